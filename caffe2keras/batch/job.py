"""What is to be done to one net, and a key that tells whether it would be the same again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caffe2keras import __version__
from caffe2keras.batch.urls import content_hash
from caffe2keras.errors import Caffe2KerasError, InputError

if TYPE_CHECKING:
    from caffe2keras.plugins.loading import PluginList

__all__ = ["Job", "hash_of_written", "key_of"]

StrPath = str | PathLike[str]


@dataclass(frozen=True)
class Job:
    """One net.

    Attributes:
        name: its own among the batch's; also its output's, without the ending.
        prototxt: a path, or a URL where a cluster does the work; so are all the others.
        weights: None for a net without.
        output: the file to write.
        options: for ``convert``.
        blobs: recorded blobs to verify it with, or None.
        oracle: whether to verify it with the oracle.
        checks: for ``verify``: tolerances, seed, inputs.
        plugins: files that are loaded for this net alone.
        installed: the plugins that the batch itself has loaded, for other processes to load.
        fault: why nothing can be done; known since the nets were looked for.
    """

    name: str
    prototxt: str
    weights: str | None
    output: str
    options: Mapping[str, Any] = field(default_factory=dict)
    blobs: str | None = None
    oracle: bool = False
    checks: Mapping[str, Any] = field(default_factory=dict)
    plugins: tuple[str, ...] = ()
    installed: PluginList | None = None
    fault: Caffe2KerasError | None = None

    @property
    def verifies(self) -> bool:
        """Whether more is asked for than the conversion."""
        return self.oracle or self.blobs is not None


def key_of(job: Job) -> str:
    """A hash of all that the result depends on: contents of files, options, our version.

    Returns:
        SHA-256 in hexadecimal; "" where a file cannot be read, which is equal to no key.
    """
    files = [job.prototxt, job.weights, job.blobs, *job.plugins]
    files += job.installed.files if job.installed is not None else []
    try:
        told = {
            "version": __version__,
            "files": [path and content_hash(path) for path in files],
            "name": [Path(path).name for path in (job.prototxt, job.weights) if path],
            "installed": job.installed is not None and job.installed.installed,
            "options": _plain(job.options),
            "oracle": job.oracle,
            "checks": _plain(job.checks),
        }
    except InputError:
        return ""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def hash_of_written(output: StrPath, model: StrPath) -> str:
    """The SHA-256 of a conversion's file; of both hashes where the model is another one.

    Raises:
        InputError: one of them cannot be read.
    """
    first = content_hash(output)
    if str(output) == str(model):
        return first
    return hashlib.sha256(f"{first} {content_hash(model)}".encode()).hexdigest()


def _plain(value: Any) -> Any:
    """The same as JSON values; a file is what is in it."""
    if isinstance(value, Path):
        return content_hash(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {entry.name: getattr(value, entry.name) for entry in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # an array, given from Python
        return value.tolist()
    return content_hash(value) if isinstance(value, str) and "://" in value else value
