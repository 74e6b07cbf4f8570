"""The files that a conversion reads, and the one that it writes beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from caffe2keras.errors import InputError
from caffe2keras.provenance import Source, Sources
from caffe2keras.read.caffemodel import fingerprint

__all__ = [
    "StrPath",
    "default_output",
    "refuse_to_overwrite",
    "source_of",
    "stamp_of",
    "unchanged",
]

StrPath = str | Path


def source_of(path: StrPath) -> Source:
    """A file that is converted, by its name without the folder and its SHA-256."""
    return Source(Path(path).name, fingerprint(path))


def stamp_of(path: StrPath) -> tuple[int, ...]:
    """What tells a file from a later state of it; () for one that is not there."""
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def unchanged(sources: Sources, stamps: Mapping[StrPath, tuple[int, ...]]) -> Sources:
    """The same, once it is certain that what was read is of one state of each file."""
    for path, stamp in stamps.items():
        if stamp_of(path) != stamp:
            raise InputError(
                what="this file changed while it was read",
                where=str(path),
                hint="convert again when it is complete",
            )
    return sources


def default_output(prototxt: StrPath, weights: StrPath | None, format: str) -> Path:
    """The weights' name, or else the prototxt's, with the format's ending; in this folder."""
    name = Path(weights if weights is not None else prototxt).name
    for ending in (".h5", ".caffemodel", ".prototxt", ".pbtxt", ".binaryproto"):
        name = name.removesuffix(ending)
    return Path(f"{name}.{format}")


def refuse_to_overwrite(target: Path, *sources: StrPath | None) -> None:
    """Raise :class:`InputError` where the target is one of the sources."""
    existing = (Path(source) for source in sources if source is not None)
    if target.exists() and any(s.exists() and target.samefile(s) for s in existing):
        raise InputError(
            what=f"{target} is one of the files to convert",
            hint="choose another place with -o",
        )
