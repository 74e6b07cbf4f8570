"""``caffe2keras record``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from caffe2keras.cli.nearest import NearestChoice
from caffe2keras.cli.options import (
    FILE,
    input_shape_option,
    json_option,
    plugin_options,
    state_options,
)
from caffe2keras.cli.pictures import picture_options
from caffe2keras.cli.progress import step_bar
from caffe2keras.cli.terminal import say, show

__all__ = ["record"]

_STEPS = 2


@click.command(
    epilog="""\b
    Example:
      caffe2keras record deploy.prototxt net.caffemodel -o blobs.npz
      caffe2keras verify net.h5 blobs.npz
    """,
)
@click.argument("prototxt", type=FILE)
@click.argument("weights", type=FILE, required=False)
@click.option("-o", "--out", "output", type=FILE, required=True, help="The .npz file to write.")
@click.option(
    "--with",
    "by",
    type=NearestChoice(["pycaffe", "opencv", "oracle"]),
    help="Who computes; by default the first of these that is installed and can.",
)
@click.option(
    "--python",
    type=click.Path(path_type=Path),
    help="The interpreter that has pycaffe, of any age from 2.7 on; by default this one.",
)
@click.option(
    "--inputs",
    type=FILE,
    help="What to feed, in Caffe's axis order: .npz, .npy, or whatever verify reads.",
)
@click.option("--image", type=FILE, help="A picture to feed, prepared as the prototxt says.")
@picture_options
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Seed of the random numbers for inputs that are not given.",
)
@input_shape_option
@state_options
@plugin_options
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Say nothing unless something fails.")
def record(
    prototxt: Path,
    weights: Path | None,
    output: Path,
    preprocessing: Any,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Record what a Caffe net answers, to verify with.

    PROTOTXT describes the net, WEIGHTS holds its numbers. The net is computed by pycaffe, in a
    process of its own; where that is not installed, by OpenCV's dnn; else by the oracle, our own
    implementation. The file says who it was.
    """
    _check(options["inputs"], options["image"], options["python"], options["by"], preprocessing)
    from caffe2keras.recording import record_blobs

    with step_bar(_STEPS, quiet=quiet or as_json) as progress:
        report = record_blobs(
            prototxt, weights, output, preprocessing=preprocessing, progress=progress, **options
        )
    if as_json:
        show(json.dumps(report.to_json(), indent=2))
    elif not quiet:
        for note in report.notes:
            say(f"  {note}")
        show(
            f"{report.output}: {report.outputs} blobs by {report.by} {report.version}, {report.fed}"
        )
    return 0


def _check(inputs: Any, image: Any, python: Any, by: Any, preprocessing: Any) -> None:
    if inputs is not None and image is not None:
        raise click.UsageError("Give either --inputs or --image.")
    if image is None and not preprocessing.says_nothing:
        raise click.UsageError("--mean, --scale and --resize prepare an --image.")
    if python is not None and by in ("opencv", "oracle"):
        raise click.UsageError("--python is for pycaffe.")
