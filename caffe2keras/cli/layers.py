"""``caffe2keras layers``."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from caffe2keras.cli.options import json_option, plugin_options
from caffe2keras.cli.terminal import terminal_width

__all__ = ["layers"]


@click.command(
    epilog="""\b
    Example:
      caffe2keras layers
    """,
)
@plugin_options
@json_option
def layers(as_json: bool) -> int:
    """List Caffe's layer types and what becomes of each.

    The table is printed from the conversion itself: "exact" means the same numbers, "dropped"
    that the layer does nothing outside training, "refused" that a net with it is not converted,
    "plugin" that a plugin maps it. A note says so where Keras 2, on Theano or as tf.keras, does not
    run what a type becomes.
    """
    from caffe2keras.layer_map import support_table
    from caffe2keras.plugins.loading import load_installed
    from caffe2keras.table import render_table

    load_installed()
    rows = support_table()
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return 0
    header = ("Caffe", "status", "Keras", "note")
    cells = [(row.caffe_type, row.status, row.keras, row.note) for row in rows]
    click.echo(render_table(header, cells, width=terminal_width()))
    return 0
