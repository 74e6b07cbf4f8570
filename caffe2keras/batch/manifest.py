"""A manifest: nets, each with its files and options, listed in TOML, JSON or YAML.

::

    [defaults]                      for every net that does not say otherwise
    oracle = true

    [[nets]]
    prototxt = "alexnet/deploy.prototxt"
    weights = "alexnet/alexnet.caffemodel"
    blobs = "alexnet/blobs.npz"
    data_format = "channels_first"

Paths start from the manifest's folder. Nothing unknown is passed over.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from caffe2keras.batch.options import (
    Misfit,
    StrPath,
    check_options,
    conform,
    convert_options,
    known_or_misfit,
)
from caffe2keras.batch.urls import is_url, read_text
from caffe2keras.errors import ManifestError
from caffe2keras.read.content import whole

__all__ = ["ENDINGS", "ENTRY", "Entry", "read_manifest"]

ENDINGS = (".toml", ".json", ".yaml", ".yml")

# One net: what each key says, with paths that start from where the batch runs.
Entry = dict[str, Any]

# The keys of a net that are no options of convert or verify.
ENTRY: Mapping[str, Any] = {
    "name": str,
    "prototxt": StrPath,
    "weights": StrPath | None,
    "blobs": StrPath | None,
    "oracle": bool,
    "plugins": Sequence[StrPath],
}

_OF_ONE_NET = {"name", "prototxt", "weights", "blobs"}


def read_manifest(path: str) -> list[Entry]:
    """Read and check a list of nets.

    Args:
        path: a ``.toml``, ``.json``, ``.yaml`` or ``.yml`` file, or the URL of one.

    Returns:
        One entry for each net, the defaults worked in; each has a ``name`` and a ``prototxt``.

    Raises:
        ManifestError: it cannot be read, has a key that nobody knows, a value that does not fit,
            or two nets of one name.
    """
    text = _text(path)
    reader = _Reader(path, text)
    try:
        return reader.entries(_parse(path)(text))
    except Misfit as misfit:
        raise ManifestError(
            what=misfit.what, where=reader.address(misfit.trail), hint=misfit.hint
        ) from None


class _Reader:
    """Goes through a manifest's values and knows where each stands."""

    def __init__(self, path: str, text: str) -> None:
        self._path, self._text = path, text
        self._base = path.rpartition("/")[0] if is_url(path) else os.path.dirname(path)

    def entries(self, value: Any) -> list[Entry]:
        """The checked nets; raises Misfit."""
        tables = known_or_misfit(value, {"defaults", "nets"})
        known = {**ENTRY, **convert_options(), **check_options()}
        shared = {key: hint for key, hint in known.items() if key not in _OF_ONE_NET}
        defaults = self._checked("defaults", tables.get("defaults", {}), shared)
        nets = tables.get("nets")
        if not isinstance(nets, list) or not nets:
            raise Misfit("there are no nets", 'list them: [[nets]] in TOML, "nets": [...] in JSON')
        entries = []
        for index, net in enumerate(nets):
            trail = f"nets[{index}]"
            entries.append(self._named({**defaults, **self._checked(trail, net, known)}, trail))
        _refuse_doubles(entries)
        return entries

    def address(self, trail: str) -> str:
        """The file, the line if it can only be one, and the way to a key."""
        trail = trail.removeprefix(".")
        key = re.escape(re.split(r"[.\]]", trail)[-1])
        lines = [
            number
            for number, line in enumerate(self._text.splitlines(), 1)
            if key and re.match(rf"""[\s{{\[-]*["']?{key}["']?\s*[=:]""", line)
        ]
        line = f":{lines[0]}" if len(lines) == 1 else ""
        return f"{self._path}{line}" + (f": {trail}" if trail else "")

    def _checked(self, trail: str, table: Any, known: Mapping[str, Any]) -> Entry:
        try:
            values = known_or_misfit(table, known)
            return {key: self._value(key, item, known[key]) for key, item in values.items()}
        except Misfit as misfit:
            raise misfit.below(trail) from None

    def _value(self, key: str, value: Any, hint: Any) -> Any:
        try:
            return conform(value, hint, self._base)
        except Misfit as misfit:
            raise misfit.below(f".{key}") from None

    def _named(self, entry: Entry, trail: str) -> Entry:
        if "prototxt" not in entry:
            raise Misfit('the key "prototxt" is missing', "name the net's file", trail)
        name = entry.get("name") or self._default_name(entry)
        if not _stays_inside(name):
            raise Misfit(f'"{name}" is no name', "it becomes a path in the output", f"{trail}.name")
        return {**entry, "name": name}

    def _default_name(self, entry: Entry) -> str:
        """The path of the weights, or else the prototxt, below the manifest, without ending."""
        path = str(entry.get("weights") or entry["prototxt"])
        for ending in (".h5", ".caffemodel", ".prototxt", ".pbtxt", ".binaryproto"):
            path = path.removesuffix(ending)
        if is_url(path) or is_url(self._base):
            below = path.removeprefix(f"{self._base}/") if self._base else path
        else:
            below = Path(os.path.relpath(path, self._base or ".")).as_posix()
        inside = _stays_inside(below) and not is_url(below)
        return below if inside else PurePosixPath(path).name


def _text(path: str) -> str:
    if is_url(path):
        return read_text(path)
    try:
        return whole(Path(path), ManifestError).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ManifestError(what="a manifest is UTF-8 text, and this is not", where=path) from error


def _parse(path: str) -> Callable[[str], Any]:
    kinds = {".toml": _toml, ".json": _json, ".yaml": _yaml, ".yml": _yaml}
    parse = kinds.get(PurePosixPath(path).suffix.lower())
    if parse is None:
        raise Misfit(
            f"a manifest ends in one of {', '.join(kinds)}",
            "to convert one net, use caffe2keras convert",
        )
    return parse


def _toml(text: str) -> Any:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise Misfit(f"this is no TOML: {error}") from error


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of 5000 digits
        raise Misfit(f"this is no JSON: {error}") from error


def _yaml(text: str) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise Misfit(
            "a manifest in YAML needs PyYAML, which is not installed",
            'pip install "caffe2keras[yaml]", or write it in TOML or JSON',
        ) from error

    class Loader(yaml.SafeLoader):
        """Plain values only, and no key twice."""

    def mapping(loader: Any, node: Any) -> dict[str, Any]:
        return _unique(loader.construct_pairs(node, deep=True))

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    try:
        return yaml.load(text, Loader)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise Misfit(f"this is no YAML: {' '.join(str(error).split())}") from error


def _unique(pairs: Sequence[tuple[Any, Any]]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for key, value in pairs:
        if not isinstance(key, str | int | float | bool | None):
            raise Misfit(f"a key is a name, and {key!r:.60} is none")
        if str(key) in table:
            raise Misfit(f'the key "{key}" stands twice in one table')
        table[str(key)] = value
    return table


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.name) and not path.is_absolute() and ".." not in path.parts


def _refuse_doubles(entries: list[Entry]) -> None:
    places: dict[str, int] = {}
    for index, entry in enumerate(entries):
        first = places.setdefault(entry["name"], index)
        if first != index:
            raise Misfit(
                f'nets[{first}] and nets[{index}] are both called "{entry["name"]}"',
                'give one of them another "name"',
                f"nets[{index}].name",
            )
