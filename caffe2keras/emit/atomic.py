"""A file is written whole or not at all."""

from __future__ import annotations

import errno
import glob
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from caffe2keras.errors import EmitError

__all__ = ["replacing"]

_SUFFIX = ".part"


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A path to write to, whose content takes the target's place when the block ends well.

    Where the system can (Linux, on most of its file systems), this is a file without a name, gone
    with the process if that is killed. Elsewhere it is a temporary file beside the target; the next
    one that writes the same target here takes away what a killed process has left.

    The content is flushed to the disk before it gets the name, which so never stands for half a
    file.

    Raises:
        EmitError: the target's folder is missing or closed, the disk is full, ...
    """
    named: Path | None = None
    handle = -1
    try:
        _remove_orphans(target)
        handle = _nameless(target.parent)
        if handle >= 0:
            yield Path(_OWN_FILES, str(handle))
            named = _named(handle, target)
        else:
            named = _temporary(target)
            yield named
            _flush(named)
        os.replace(named, target)
    except OSError as error:
        raise EmitError(
            what=f"{target} cannot be written: {error.strerror or error}",
            hint="choose another place with -o, or make room there",
        ) from error
    finally:
        if handle >= 0:
            os.close(handle)
        if named is not None:
            with suppress(FileNotFoundError):
                named.unlink()


# Linux keeps what a process has open there, by number; a file without a name can be opened by it.
_OWN_FILES = "/proc/self/fd"


def _nameless(folder: Path) -> int:
    """A file on the folder's disk that has no name yet, open; -1 where there is no such thing."""
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir(_OWN_FILES):
        return -1
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
            return -1  # this file system has none (man 2 open)
        raise


def _named(handle: int, target: Path) -> Path:
    """The same content, flushed, under a temporary name beside the target."""
    os.fsync(handle)
    try:
        return _link(handle, target)
    except OSError:
        # There are file systems that make a file without a name and then give it none.
        copy = _temporary(target)
        try:
            shutil.copyfile(f"{_OWN_FILES}/{handle}", copy)
            _flush(copy)
        except BaseException:
            copy.unlink()
            raise
        return copy


def _link(handle: int, target: Path) -> Path:
    """Give a file a temporary name beside the target: a name that is taken cannot be given."""
    for count in itertools.count():
        path = target.parent / f"{_prefix(target)}{os.getpid()}-{count}{_SUFFIX}"
        with suppress(FileExistsError):
            # The folder's number says nothing of an absolute path, but without one Python asks the
            # system for a link to the link.
            os.link(f"{_OWN_FILES}/{handle}", path, src_dir_fd=handle, follow_symlinks=True)
            return path
    raise AssertionError("there is no last number")


def _temporary(target: Path) -> Path:
    name = f"{_prefix(target)}{os.getpid()}-"
    handle, path = tempfile.mkstemp(prefix=name, suffix=_SUFFIX, dir=target.parent)
    os.fchmod(handle, 0o666 & ~_umask())
    os.close(handle)
    return Path(path)


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
