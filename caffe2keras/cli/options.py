"""Options that several commands have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from caffe2keras.cli.nearest import NearestChoice

__all__ = [
    "FILE",
    "assume_full_sequences_option",
    "batch_axis_option",
    "data_format_option",
    "html_option",
    "input_shape_option",
    "json_option",
    "missing_option",
    "plugin_options",
    "recurrent_option",
    "state_options",
    "stateful_option",
]

Function = TypeVar("Function", bound=Callable[..., Any])
Value = TypeVar("Value")

# Whether it is there is not asked here: the reader knows, and says so with our exit code.
FILE = click.Path(path_type=Path)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON, and nothing else."
)


def _named_as_a_page(
    ctx: click.Context, param: click.Parameter, target: Path | None
) -> Path | None:
    """Else a slip of the hand would write the page over the model."""
    if target is not None and target.suffix.lower() not in (".html", ".htm"):
        raise click.BadParameter(f"'{target}' does not end in .html.", ctx, param)
    return target


html_option = click.option(
    "--html",
    type=FILE,
    callback=_named_as_a_page,
    metavar="FILE",
    help="Write a page that shows the result too, with the net as a graph; it needs no other file "
    "and no network.",
)

data_format_option = click.option(
    "--data-format",
    type=NearestChoice(["channels_last", "channels_first"]),
    default="channels_last",
    show_default=True,
    help="Where the Keras model keeps an image's channels: (N, H, W, C) or (N, C, H, W).",
)


class _InputShape(click.ParamType):  # type: ignore[type-arg]  # generic only in newer Click
    name = "BLOB=N,C,H,W"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[int, ...]]:
        """``data=1,3,224,200`` as ("data", (1, 3, 224, 200)); the name may hold an ``=``."""
        if isinstance(value, tuple):
            return value
        blob, _, sizes = str(value).rpartition("=")
        try:
            shape = tuple(int(size) for size in sizes.replace("x", ",").split(","))
        except ValueError:
            shape = ()
        if not blob or not shape or min(shape) < 1:
            self.fail(f"'{value}': expected a blob and its sizes, as data=1,3,224,224.", param, ctx)
        return blob, shape


class _BatchAxis(click.ParamType):  # type: ignore[type-arg]  # generic only in newer Click
    name = "BLOB=AXIS"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """``data=1`` as ("data", 1); the name may hold an ``=``."""
        if isinstance(value, tuple):
            return value
        blob, _, axis = str(value).rpartition("=")
        if not blob or not axis.isdecimal():
            self.fail(f"'{value}': expected a blob and its batch axis, as data=1.", param, ctx)
        return blob, int(axis)


def _as_mapping(
    ctx: click.Context, param: click.Parameter, value: tuple[tuple[str, Value], ...]
) -> dict[str, Value]:
    shapes = dict(value)
    if len(shapes) < len(value):
        raise click.BadParameter("a blob is named twice.", ctx, param)
    return shapes


_STATE_OPTIONS = (
    click.option(
        "--phase",
        type=NearestChoice(["TEST", "TRAIN"]),
        default="TEST",
        show_default=True,
        help="The phase whose layers are taken; TRAIN keeps the losses, for a model to train.",
    ),
    click.option(
        "--stage",
        "stages",
        multiple=True,
        metavar="NAME",
        help="A stage that the net is in; may be given several times.",
    ),
    click.option(
        "--level", type=int, default=0, show_default=True, help="The level that the net is in."
    ),
)

input_shape_option = click.option(
    "--input-shape",
    "input_shapes",
    type=_InputShape(),
    multiple=True,
    callback=_as_mapping,
    help="The shape of an input, in Caffe's axis order, instead of the prototxt's; "
    "may be given several times.",
)

missing_option = click.option(
    "--missing",
    type=NearestChoice(["refuse", "fill"]),
    default="refuse",
    show_default=True,
    help="What to do about layers that the weights file does not have: refuse the net, or fill "
    "them as the prototxt's fillers say.",
)

batch_axis_option = click.option(
    "--batch-axis",
    "batch_axes",
    type=_BatchAxis(),
    multiple=True,
    callback=_as_mapping,
    help="The axis of an input that is the batch, counted from 0; by default what recurrent "
    "layers show, else 0. May be given several times.",
)

recurrent_option = click.option(
    "--recurrent",
    type=NearestChoice(["roll", "keep"]),
    default="roll",
    show_default=True,
    help="What to do about an LSTM that is written out step by step: roll it into one layer, if "
    "it is one for certain, or keep its steps.",
)

stateful_option = click.option(
    "--stateful",
    is_flag=True,
    help="Let LSTM and RNN begin with the state that the prediction before ended with, as Caffe "
    "does where cont is not 0; by default they begin with zeros. Fixes the batch size.",
)

assume_full_sequences_option = click.option(
    "--assume-full-sequences",
    is_flag=True,
    help="Let the sequences of LSTM and RNN begin at the first step and nowhere else; "
    "their cont is no input of the model then.",
)


def plugin_options(function: Function) -> Function:
    """The options that say which plugins a command knows, for as long as it runs."""
    for option in reversed(_PLUGIN_OPTIONS):
        function = option(function)
    return function


def _use_plugins(ctx: click.Context, param: click.Parameter, files: tuple[Path, ...]) -> None:
    if files:
        from caffe2keras.plugins.loading import using_plugins

        ctx.with_resource(using_plugins(files))


def _ignore_installed(ctx: click.Context, param: click.Parameter, ignore: bool) -> None:
    if ignore:
        from caffe2keras.plugins.loading import without_installed

        ctx.with_resource(without_installed())


_PLUGIN_OPTIONS = (
    click.option(
        "--plugin",
        type=FILE,
        multiple=True,
        expose_value=False,
        callback=_use_plugins,
        help="A Python file that maps layers of your own; may be given several times.",
    ),
    click.option(
        "--no-plugins",
        is_flag=True,
        expose_value=False,
        callback=_ignore_installed,
        help="Leave alone the plugins of installed packages, which are used otherwise.",
    ),
)


def state_options(function: Function) -> Function:
    """The options that choose a net among those that a prototxt holds."""
    for option in reversed(_STATE_OPTIONS):
        function = option(function)
    return function
