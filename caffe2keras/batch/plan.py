"""From a folder or a manifest to the jobs of a batch."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from caffe2keras.batch.folder import find_nets
from caffe2keras.batch.job import Job
from caffe2keras.batch.manifest import ENDINGS, ENTRY, Entry, read_manifest
from caffe2keras.batch.mirror import mirror
from caffe2keras.batch.options import (
    Misfit,
    check_options,
    conform,
    convert_options,
    without_defaults,
)
from caffe2keras.batch.urls import is_url
from caffe2keras.errors import InputError
from caffe2keras.plugins.loading import plugin_list

__all__ = ["Plan", "plan"]


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        jobs: one for each net.
        notes: what was passed over while looking for nets.
    """

    jobs: tuple[Job, ...]
    notes: tuple[str, ...]


def plan(source: str, output: str, common: Mapping[str, Any], *, anywhere: bool) -> Plan:
    """Find the nets and say what is to be done to each.

    Args:
        source: a folder, or a manifest.
        output: the folder to write to.
        common: options for every net that does not say otherwise, by a manifest's keys.
        anywhere: whether other machines do the work: paths may be URLs then, and others are made
            absolute.

    Raises:
        InputError: there is nothing to do, or the manifest cannot be followed.
    """
    if anywhere:
        source, output = (
            path if is_url(path) else os.path.abspath(path) for path in (source, output)
        )
    _refuse_urls({"the source": source, "the output": output}, anywhere)
    common = _checked(common)
    if _is_folder(source):
        planned = _from_folder(source, output, common)
    else:
        entries = read_manifest(source)
        planned = Plan(tuple(_job({**common, **entry}, output) for entry in entries), ())
    for job in planned.jobs:
        files = {"prototxt": job.prototxt, "weights": job.weights, "blobs": job.blobs}
        _refuse_urls(
            {f'the {key} of net "{job.name}"': file for key, file in files.items()}, anywhere
        )
    return planned


def _is_folder(source: str) -> bool:
    return not source.lower().endswith(ENDINGS) if is_url(source) else Path(source).is_dir()


def _checked(common: Mapping[str, Any]) -> dict[str, Any]:
    known = {**ENTRY, **convert_options(), **check_options()}
    try:
        return {name: conform(value, known[name]) for name, value in common.items()}
    except KeyError as error:
        raise TypeError(f"batch() got an unexpected keyword argument {error}") from None
    except Misfit as misfit:
        raise InputError(what=misfit.what, hint=misfit.hint) from None


def _from_folder(source: str, output: str, common: Mapping[str, Any]) -> Plan:
    """A folder is searched where it lies, or in a copy of what matters of it."""
    with tempfile.TemporaryDirectory(prefix="caffe2keras-") as scratch:
        root = Path(scratch if is_url(source) else source)
        if is_url(source):
            mirror(source.rstrip("/"), root)
        # Results that an earlier batch has written into the folder are no nets to convert.
        written = root / output.removeprefix(source).lstrip("/") if is_url(output) else Path(output)
        found, notes = find_nets(root, written)
        jobs = []
        for net in found:
            files = {"prototxt": str(net.prototxt), "weights": str(net.weights)}
            files = {key: _home(path, scratch, source) for key, path in files.items()}
            job = _job({**common, "name": net.name, **files}, output)
            if net.fault is not None:
                net.fault.where = _home(net.fault.where, scratch, source)
            jobs.append(replace(job, fault=net.fault))
        return Plan(tuple(jobs), tuple(_home(note, scratch, source) for note in notes))


def _home(text: str, scratch: str, source: str) -> str:
    """With the folder's own place where that of its copy stands."""
    return text.replace(scratch, source.rstrip("/"))


def _job(entry: Entry, output: str) -> Job:
    options = without_defaults(entry)
    weights, blobs = entry.get("weights"), entry.get("blobs")
    ending = options.get("format", "h5")
    return Job(
        name=entry["name"],
        prototxt=str(entry["prototxt"]),
        weights=None if weights is None else str(weights),
        output=f"{output.rstrip('/') or '/'}/{entry['name']}.{ending}",
        options=options,
        blobs=None if blobs is None else str(blobs),
        oracle=entry.get("oracle", False),
        checks={key: entry[key] for key in entry if key in check_options()},
        plugins=tuple(map(str, entry.get("plugins", ()))),
        installed=plugin_list(),
    )


def _refuse_urls(paths: Mapping[str, str | None], anywhere: bool) -> None:
    for what, path in paths.items():
        if is_url(path) and not anywhere:
            raise InputError(
                what=f"{what} is a URL: {path}",
                why="only nets that a cluster converts may lie elsewhere",
                hint="copy it here, or give a cluster with --scheduler",
            )
