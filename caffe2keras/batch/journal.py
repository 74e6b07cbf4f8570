"""The results of a batch, written down one by one, so that a killed run loses none.

A text file in the output folder: a line of JSON with its own version, then one for each net as
it is done. Lines are only added. Where a net stands twice, the later line counts; a line that
breaks off, as a kill may leave it, does not.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any, Protocol

from caffe2keras.batch.result import NetResult
from caffe2keras.batch.urls import is_url, read_text, store
from caffe2keras.errors import EmitError, InputError

__all__ = ["NAME", "Journal", "open_journal"]

NAME = "caffe2keras-batch.jsonl"

_HEAD = {"caffe2keras-batch": 1}


class Journal(Protocol):
    """Where results are kept.

    Attributes:
        before: what an earlier run has left, by the nets' names.
    """

    before: dict[str, NetResult]

    def add(self, result: NetResult) -> None:
        """Write one down."""

    def close(self) -> None:
        """No more will come."""


def open_journal(folder: str, *, resume: bool) -> Journal:
    """Open the output folder's journal, and make both if they are not there.

    Args:
        folder: a path or a URL.
        resume: keep what an earlier run has left; otherwise it is forgotten.

    Raises:
        EmitError: it cannot be written, or another batch is at work in this folder.
    """
    return _RemoteJournal(folder, resume) if is_url(folder) else _FileJournal(Path(folder), resume)


class _FileJournal:
    """On this machine: each line is on the disk before the next net's."""

    def __init__(self, folder: Path, resume: bool) -> None:
        path = folder / NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        except OSError as error:
            raise _unwritable(path, error) from error
        self._lock(path)
        text = path.read_text(encoding="utf-8", errors="replace") if resume else ""
        self.before = _parse(text)
        if not self.before:
            os.ftruncate(self._handle, 0)
            self._write(json.dumps(_HEAD))
        elif not text.endswith("\n"):
            self._write("")

    def add(self, result: NetResult) -> None:
        """Write one down."""
        self._write(json.dumps(result.to_json()))

    def close(self) -> None:
        """Let others at it."""
        os.close(self._handle)

    def _write(self, line: str) -> None:
        try:
            os.write(self._handle, f"{line}\n".encode())
            os.fsync(self._handle)
        except OSError as error:
            raise _unwritable(Path(NAME), error) from error

    def _lock(self, path: Path) -> None:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._handle)
            raise EmitError(
                what=f"another batch is at work in {path.parent}",
                hint="wait for it, or choose another folder with -o",
            ) from error


class _RemoteJournal:
    """At a URL, where nothing can be added to a file: it is stored anew each time."""

    def __init__(self, folder: str, resume: bool) -> None:
        self._url = f"{folder.rstrip('/')}/{NAME}"
        self._text = ""
        if resume:
            try:
                self._text = read_text(self._url)
            except InputError:
                self._text = ""  # there was no earlier run
        self.before = _parse(self._text)
        if not self.before:
            self._text = json.dumps(_HEAD) + "\n"
        self._store()

    def add(self, result: NetResult) -> None:
        """Write one down."""
        self._text += json.dumps(result.to_json()) + "\n"
        self._store()

    def close(self) -> None:
        """Everything is stored."""

    def _store(self) -> None:
        try:
            store(self._text.encode(), self._url)
        except (OSError, ValueError, ImportError) as error:
            raise EmitError(what=f"{self._url} cannot be written: {error}") from error


def _parse(text: str) -> dict[str, NetResult]:
    head, *lines = map(_value, text.splitlines() or [""])
    if head != _HEAD:
        return {}
    results = {}
    for value in lines:
        try:
            result = NetResult.from_json(value)
        except (KeyError, TypeError):
            continue  # it breaks off
        results[result.name] = result
    return results


def _value(line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return None


def _unwritable(path: Path, error: OSError) -> EmitError:
    return EmitError(
        what=f"{path} cannot be written: {error.strerror or error}",
        hint="choose another folder with -o",
    )
