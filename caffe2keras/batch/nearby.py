"""A net whose files lie elsewhere, brought to this machine for as long as it is worked on."""

from __future__ import annotations

import dataclasses
import itertools
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from caffe2keras.batch.job import Job
from caffe2keras.batch.urls import fetch, is_url, store
from caffe2keras.errors import EmitError

__all__ = ["brought_near"]


@contextmanager
def brought_near(job: Job) -> Iterator[Job]:
    """The job with a local copy for every URL; its output, if it has one, is carried home.

    Raises:
        InputError: a URL cannot be read.
        EmitError: the output cannot be carried home.
    """
    with tempfile.TemporaryDirectory(prefix="caffe2keras-") as folder:
        near = _Near(Path(folder))
        copy = replace(
            job,
            prototxt=near(job.prototxt),
            weights=near(job.weights),
            blobs=near(job.blobs),
            plugins=near(job.plugins),
            options=near(job.options),
            checks=near(job.checks),
            output=str(near.place(job.output)) if is_url(job.output) else job.output,
        )
        try:
            yield copy
        finally:
            if copy.output != job.output:
                _carry_home(Path(copy.output).parent, job.output.rpartition("/")[0])


class _Near:
    """Copies URLs into a folder, wherever in a value they stand."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = itertools.count()

    def __call__(self, value: Any) -> Any:
        """The same value with local paths."""
        if is_url(value):
            target = self.place(value)
            fetch(value, target)
            return str(target)
        if isinstance(value, Mapping):
            return {name: self(item) for name, item in value.items()}
        if isinstance(value, tuple):
            return tuple(map(self, value))
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            parts = {
                part.name: self(getattr(value, part.name)) for part in dataclasses.fields(value)
            }
            return replace(value, **parts)
        return value

    def place(self, url: str) -> Path:
        """A free place for a file of the same name, by which it is called in the model's record."""
        folder = self._folder / str(next(self._count))
        folder.mkdir()
        return folder / PurePosixPath(url).name


def _carry_home(folder: Path, url: str) -> None:
    """All that was written: source code has its weights beside it."""
    for file in sorted(folder.iterdir()):
        try:
            store(file, f"{url}/{file.name}")
        except (OSError, ValueError) as error:
            raise EmitError(what=f"{url}/{file.name} cannot be written: {error}") from error
