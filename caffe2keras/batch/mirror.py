"""A folder at a URL, copied as far as finding the nets in it needs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath

from caffe2keras.batch.folder import PROTOTXT, WEIGHTS
from caffe2keras.batch.urls import fetch, import_fsspec
from caffe2keras.errors import InputError

__all__ = ["mirror"]


def mirror(url: str, target: Path) -> None:
    """Make a local folder like one at a URL, for :func:`~caffe2keras.batch.folder.find_nets`.

    Weights are large, and looked into only where several prototxts lie beside them; elsewhere an
    empty file stands for them.

    Args:
        url: of the folder.
        target: an empty folder.

    Raises:
        InputError: there is nothing at the URL, or it cannot be read.
    """
    paths = [path for path in _files(url) if path.name.endswith((*PROTOTXT, *WEIGHTS))]
    choices = Counter(path.parent for path in paths if path.name.endswith(PROTOTXT))
    for path in paths:
        copy = target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.name.endswith(WEIGHTS) and choices[path.parent] < 2:
            copy.touch()
        else:
            fetch(f"{url}/{path}", copy)


def _files(url: str) -> list[PurePosixPath]:
    """Everything below a URL, by relative path."""
    try:
        files, root = import_fsspec().core.url_to_fs(url)
        return [PurePosixPath(path).relative_to(root) for path in sorted(files.find(root))]
    except (OSError, ValueError, ImportError) as error:
        raise InputError(what=f"this URL cannot be read: {error}", where=url) from error
