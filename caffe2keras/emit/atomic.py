"""A file is written whole or not at all."""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from caffe2keras.errors import EmitError

__all__ = ["replacing"]

_SUFFIX = ".part"


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary file beside the target, which takes its place when the block ends well.

    It is flushed to the disk before it is renamed, so that the name never stands for half a file.
    A process that is killed leaves its temporary file behind; the next one that writes the same
    target here takes it away.

    Raises:
        EmitError: the target's folder is missing or closed, the disk is full, ...
    """
    scratch: Path | None = None
    try:
        _remove_orphans(target)
        name = f"{_prefix(target)}{os.getpid()}-"
        handle, path = tempfile.mkstemp(prefix=name, suffix=_SUFFIX, dir=target.parent)
        scratch = Path(path)
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


def _remove_orphans(target: Path) -> None:
    """Take away what processes of this machine were writing that are no more."""
    for path in _leftovers(target):
        process = path.name.removeprefix(_prefix(target)).partition("-")[0]
        if process.isdecimal() and not _runs(int(process)):
            with suppress(OSError):
                path.unlink()


def _leftovers(target: Path) -> Iterator[Path]:
    return target.parent.glob(f"{glob.escape(_prefix(target))}*{_SUFFIX}")


def _prefix(target: Path) -> str:
    """How temporary files for this target begin, on this machine.

    Of a long name only the beginning: names end at 255 bytes, and characters have up to four.
    """
    return f".{target.name[:40]}.{os.uname().nodename[:20]}-"


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass  # somebody else's, or no number that a process can have
    return True


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
