"""``caffe2keras batch``."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from caffe2keras.cli.conversion import conversion_options
from caffe2keras.cli.nearest import NearestChoice
from caffe2keras.cli.options import FILE, html_option
from caffe2keras.cli.progress import net_bar
from caffe2keras.cli.terminal import say, show
from caffe2keras.errors import EmitError

if TYPE_CHECKING:
    from caffe2keras.batch import BatchReport, NetResult

__all__ = ["batch"]

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class _Bytes(click.ParamType):  # type: ignore[type-arg]  # generic only in newer Click
    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """``500M`` or ``2G`` as bytes."""
        found = re.fullmatch(r"(\d+)([KMG]?)(?:i?B)?", str(value), re.IGNORECASE)
        if found is None or not int(found[1]):
            self.fail(f"'{value}': expected a size, as 500M or 2G.", param, ctx)
        return int(found[1]) * _UNITS[found[2].upper()]


@click.command(
    epilog="""\b
    Examples:
      caffe2keras batch nets/ -o models/ -j 4 --verify
      caffe2keras batch nets.toml -o models/ --resume --junit batch.xml
    """,
)
@click.argument("source", metavar="{FOLDER | MANIFEST}")
@click.option(
    "-o", "--out", "output", metavar="FOLDER", required=True, help="The folder to write to."
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many nets at a time; by default as many as there are processors.",
)
@click.option(
    "--verify", "oracle", is_flag=True, help="Verify each net with the oracle, as verify --oracle."
)
@click.option("--resume", is_flag=True, help="Leave alone what is done and has not changed since.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop a net that takes longer.",
)
@click.option(
    "--memory",
    type=_Bytes(),
    help="Stop a net whose process holds more, as 500M or 2G; Keras counts, mapped files do not.",
)
@click.option("--json", "json_file", type=FILE, help="Write all results to this file, as JSON.")
@click.option("--junit", "junit_file", type=FILE, help="Write them as JUnit's XML, for CI servers.")
@html_option
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Let the workers of a Dask cluster do it; ADDRESS is its scheduler's, as "
    "tcp://host:8786. Paths may be URLs then.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print the last line only.")
@click.option(
    "--format",
    type=NearestChoice(["h5", "keras", "py"]),
    default="h5",
    show_default=True,
    help="The kind of files.",
)
@conversion_options
def batch(
    source: str,
    output: str,
    jobs: int | None,
    scheduler: str | None,
    json_file: Path | None,
    junit_file: Path | None,
    html: Path | None,
    quiet: bool,
    **options: Any,
) -> int:
    """Convert many nets, in parallel.

    A FOLDER is searched for weights with a prototxt beside them. A MANIFEST (.toml, .json, .yaml)
    lists nets, each with its files and options, and blobs recorded from Caffe to verify it with.

    A net that fails or crashes stops only itself. Results are written as they come, so that a run
    that is killed goes on with --resume. Options of convert are for all nets that the manifest
    does not say otherwise of.

    Exit code 0 means that every net did what was asked; else it is the smallest of the exit codes
    that convert and verify would have ended with, 1 where a process crashed or was stopped.
    """
    if scheduler is not None and jobs is not None:
        raise click.UsageError(
            "--scheduler: how many nets at a time is the cluster's to say, not -j."
        )
    for file in (json_file, junit_file, html):
        _refuse_missing_folder(file)
    from caffe2keras.batch import batch as run
    from caffe2keras.batch import junit

    with net_bar(quiet=quiet) as tick:
        report = run(
            source,
            output,
            jobs=jobs,
            scheduler=scheduler,
            progress=lambda result, done, total: tick(_line(result), done, total),
            **options,
        )
    for note in report.notes if not quiet else ():
        say(f"  {note}")
    if json_file is not None:
        _write(json_file, json.dumps(report.to_json(), indent=2).encode() + b"\n")
    if junit_file is not None:
        _write(junit_file, junit(report))
    if html is not None:
        from caffe2keras.page import section_of_result, write_page

        write_page(html, [section_of_result(result) for result in report.nets])
    show(_summary(report))
    return report.exit_code


def _line(result: NetResult) -> str:
    status = "unchanged" if result.resumed else result.status
    text = f"{result.name}: {status}: {result.explain()}"
    return " ".join(text.split())


def _summary(report: BatchReport) -> str:
    return f"{report.output}: {report.verdict()}, in {report.seconds:.1f} s"


def _refuse_missing_folder(file: Path | None) -> None:
    """Said before the work, not after it."""
    if file is not None and not file.resolve().parent.is_dir():
        raise EmitError(
            what=f"{file} cannot be written: there is no such folder", hint="make it first"
        )


def _write(file: Path, content: bytes) -> None:
    from caffe2keras.emit.atomic import replacing

    with replacing(file) as scratch:
        scratch.write_bytes(content)
