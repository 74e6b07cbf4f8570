"""``caffe2keras convert``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from caffe2keras.cli.conversion import conversion_options
from caffe2keras.cli.nearest import NearestChoice
from caffe2keras.cli.options import FILE, html_option, json_option
from caffe2keras.cli.progress import byte_bar
from caffe2keras.cli.terminal import say, show
from caffe2keras.garbage import collector_paused

__all__ = ["convert"]


@click.command(
    epilog="""\b
    Example:
      caffe2keras convert deploy.prototxt alexnet.caffemodel -o alexnet.h5
    """,
)
@click.argument("prototxt", type=FILE)
@click.argument("weights", type=FILE, required=False)
@click.option(
    "-o",
    "--out",
    "output",
    type=FILE,
    help="The file to write. Without it: named after the weights (or the prototxt), "
    "in the current folder.",
)
@click.option(
    "--format",
    "file_format",
    type=NearestChoice(["h5", "keras", "py"]),
    help="The kind of file; by default what the output's name says, or h5. py is Python source, "
    "with an h5 beside it for the weights. Only keras needs Keras with a backend.",
)
@conversion_options
@html_option
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Say nothing unless something fails.")
def convert(
    prototxt: Path,
    weights: Path | None,
    output: Path | None,
    file_format: Any,
    html: Path | None,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Turn a Caffe net into a Keras model.

    PROTOTXT describes the net, WEIGHTS (.caffemodel or .caffemodel.h5) holds its numbers. Both
    may be of any age that Caffe itself still reads. No Keras is needed.

    In Python, caffe2keras.load_model("model.h5") gives the model.
    """
    with collector_paused():
        from caffe2keras.convert import convert as run

    said = output.suffix[1:] if output else ""
    file_format = file_format or (said if said in ("keras", "py") else "h5")
    with byte_bar("writing", quiet=quiet or as_json) as progress:
        report = run(prototxt, weights, output, format=file_format, progress=progress, **options)
    if html is not None:
        from caffe2keras.page import section_of_conversion, write_page

        write_page(html, [section_of_conversion(report)])
    if as_json:
        show(json.dumps(report.to_json(), indent=2))
    elif not quiet:
        for note in report.notes:
            say(f"  {note}")
        show(_summary(report))
    return 0


def _summary(report: Any) -> str:
    return (
        f"{report.output}: {report.net_name or 'a net without a name'}, {report.layers} layers, "
        f"{report.parameters:,} parameters, written in {report.seconds:.1f} s"
    )
