"""Files that may lie elsewhere: a URL is whatever fsspec can open."""

from __future__ import annotations

import hashlib
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

from caffe2keras.errors import InputError
from caffe2keras.read.caffemodel import fingerprint

__all__ = ["content_hash", "fetch", "import_fsspec", "is_url", "read_text", "store"]

_PIECE = 4 << 20


def is_url(path: Any) -> bool:
    """Whether this names a file by URL, as ``s3://bucket/net.prototxt``."""
    return isinstance(path, str) and "://" in path


def import_fsspec() -> ModuleType:
    """The library that opens URLs.

    Raises:
        InputError: it is not installed.
    """
    try:
        import fsspec
    except ImportError as error:
        raise InputError(
            what="a URL cannot be opened without fsspec",
            hint='pip install "caffe2keras[dask]"',
        ) from error
    return fsspec  # type: ignore[no-any-return]  # it has no types


def content_hash(path: str | PathLike[str]) -> str:
    """The SHA-256 of a file's content, or of all that is in a folder.

    Raises:
        InputError: it cannot be read.
    """
    if is_url(path):
        return _hash_of_url(str(path))
    if not Path(path).is_dir():
        return fingerprint(path)
    files = sorted(file for file in Path(path).rglob("*") if file.is_file())
    lines = [f"{fingerprint(file)} {file.relative_to(path)}" for file in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def fetch(url: str, target: Path) -> None:
    """Copy what is at a URL, a folder as a whole, to a local path.

    Raises:
        InputError: there is nothing, or it cannot be read.
    """
    try:
        files, path = import_fsspec().core.url_to_fs(url)
        files.get(path, str(target), recursive=files.isdir(path))
    except (OSError, ValueError, ImportError) as error:
        raise _unreadable(url, error) from error


def read_text(url: str) -> str:
    """The text at a URL.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    try:
        with import_fsspec().open(url, "r", encoding="utf-8") as file:
            return str(file.read())
    except (OSError, ValueError, ImportError) as error:
        raise _unreadable(url, error) from error


def store(content: bytes | Path, url: str) -> None:
    """Put bytes, or a local file, where a URL says; whole or not at all, where it can be."""
    files, path = import_fsspec().core.url_to_fs(url)
    files.makedirs(files._parent(path), exist_ok=True)
    part = f"{path}.part" if hasattr(files, "auto_mkdir") else path  # others put at one stroke
    if isinstance(content, bytes):
        files.pipe_file(part, content)
    else:
        files.put_file(str(content), part)
    if part != path:
        files.mv(part, path)


def _hash_of_url(url: str) -> str:
    digest = hashlib.sha256()
    try:
        with import_fsspec().open(url, "rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
    except (OSError, ValueError, ImportError) as error:
        raise _unreadable(url, error) from error
    return digest.hexdigest()


def _unreadable(url: str, error: Exception) -> InputError:
    reason = str(error).strip().splitlines() or [type(error).__name__]
    return InputError(what="this URL cannot be read", where=url, why=reason[0])
