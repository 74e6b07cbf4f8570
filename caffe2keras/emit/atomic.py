"""A file is written whole or not at all."""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from caffe2keras.errors import EmitError

__all__ = ["remove_leftovers", "replacing"]


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary file beside the target, which takes its place when the block ends well.

    It is flushed to the disk before it is renamed, so that the name never stands for half a file.

    Raises:
        EmitError: the target's folder is missing or closed, the disk is full, ...
    """
    scratch: Path | None = None
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=".part", dir=target.parent
        )
        scratch = Path(name)
        os.fchmod(handle, 0o666 & ~_umask())
        os.close(handle)
        yield scratch
        _flush(scratch)
        os.replace(scratch, target)
    except OSError as error:
        raise EmitError(
            what=f"{target} cannot be written: {error.strerror or error}",
            hint="choose another place with -o, or make room there",
        ) from error
    finally:
        if scratch is not None:
            with suppress(FileNotFoundError):
                scratch.unlink()


def remove_leftovers(target: Path) -> None:
    """Take away what killed processes have left beside a target; nobody may be writing it."""
    for path in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        path.unlink(missing_ok=True)


def _umask() -> int:
    # There is no way to read it without setting it.
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
