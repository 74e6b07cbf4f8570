"""``caffe2keras inspect``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from caffe2keras.cli.options import (
    FILE,
    assume_full_sequences_option,
    batch_axis_option,
    data_format_option,
    input_shape_option,
    json_option,
    plugin_options,
    recurrent_option,
    state_options,
    stateful_option,
)
from caffe2keras.cli.terminal import show, terminal_width

__all__ = ["inspect"]


@click.command(
    epilog="""\b
    Example:
      caffe2keras inspect deploy.prototxt
    """,
)
@click.argument("prototxt", type=FILE)
@click.argument("weights", type=FILE, required=False)
@data_format_option
@state_options
@input_shape_option
@assume_full_sequences_option
@recurrent_option
@stateful_option
@batch_axis_option
@plugin_options
@json_option
def inspect(prototxt: Path, weights: Path | None, as_json: bool, **options: Any) -> int:
    """Show a Caffe net, layer by layer, and what it becomes.

    For each layer: its blobs with their shapes, its parameters, its multiply-accumulate
    operations, and the Keras layers that take its place. What cannot be converted is listed all
    at once. Neither WEIGHTS nor Keras is needed; with WEIGHTS, whether they fit is checked too.

    Exit code 0 means that the net converts, 5 that something in it is not supported.
    """
    from caffe2keras.inspect import inspect as run

    inspection = run(prototxt, weights, **options)
    if as_json:
        show(json.dumps(inspection.to_json(), indent=2))
    else:
        show(inspection.render(terminal_width()))
    return inspection.exit_code
