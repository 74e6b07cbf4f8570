"""The options that say how a net is converted: those of every command that converts some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from caffe2keras.cli.nearest import NearestChoice
from caffe2keras.cli.options import (
    assume_full_sequences_option,
    batch_axis_option,
    data_format_option,
    input_shape_option,
    missing_option,
    plugin_options,
    recurrent_option,
    state_options,
    stateful_option,
)
from caffe2keras.cli.pictures import preprocessing_options

__all__ = ["conversion_options"]

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS = (
    data_format_option,
    state_options,
    input_shape_option,
    missing_option,
    assume_full_sequences_option,
    recurrent_option,
    stateful_option,
    batch_axis_option,
    plugin_options,
    preprocessing_options,
    click.option(
        "--output",
        "outputs",
        multiple=True,
        metavar="BLOB",
        help="A blob that the model ends in, with nothing behind it; may be given several times.",
    ),
    click.option(
        "--fold",
        is_flag=True,
        help="Put BatchNorm, Scale and Bias into the weights of the layer before them.",
    ),
    click.option(
        "--dtype",
        type=NearestChoice(["float32", "float16", "bfloat16"]),
        default="float32",
        show_default=True,
        help="How the file keeps the numbers; the model computes in float32 all the same.",
    ),
)


def conversion_options(function: Function) -> Function:
    """Give a command these options; it receives what it hands on to ``caffe2keras.convert``."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
