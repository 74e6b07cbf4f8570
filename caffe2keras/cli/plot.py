"""``caffe2keras plot``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from caffe2keras.cli.options import (
    FILE,
    input_shape_option,
    plugin_options,
    state_options,
)
from caffe2keras.cli.terminal import say, show

__all__ = ["plot"]

_FORMATS = (".svg", ".png")


def _with_an_ending(ctx: click.Context, param: click.Parameter, output: Path | None) -> Path | None:
    if output is not None and output.suffix.lower() not in _FORMATS:
        raise click.BadParameter(f"'{output}' ends neither in .svg nor in .png.", ctx, param)
    return output


@click.command(
    epilog="""\b
    Examples:
      caffe2keras plot deploy.prototxt
      caffe2keras plot train_val.prototxt --input-shape data=1,3,224,224 -o net.png
    """,
)
@click.argument("prototxt", type=FILE)
@click.option(
    "-o",
    "--out",
    "output",
    type=FILE,
    callback=_with_an_ending,
    help="The file to write, whose name ends in .svg or .png. Without it: the prototxt's name "
    "with .svg, in the current folder. PNG needs Pillow.",
)
@state_options
@input_shape_option
@plugin_options
@click.option("-q", "--quiet", is_flag=True, help="Say nothing unless something fails.")
def plot(prototxt: Path, output: Path | None, quiet: bool, **options: Any) -> int:
    """Draw a Caffe net as SVG or PNG.

    A box stands for a layer and for those that work in place on what it computes; beside the
    lines stand the shapes of the blobs, in Caffe's axis order. Long nets go on in a further
    column. Neither weights nor Keras are needed, nor is graphviz.
    """
    from caffe2keras.diagram import plot as run

    is_png = output is not None and output.suffix.lower() == ".png"
    report = run(prototxt, output, format="png" if is_png else "svg", **options)
    if quiet:
        return 0
    if report.scale < 1:
        say(f"drawn at {report.scale:.0%} of its size, to keep the PNG usable; SVG stays sharp")
    name = report.net_name or "a net without a name"
    show(f"{report.output}: {name}, {report.layers} layers in {report.boxes} boxes")
    return 0
