"""The options of ``convert`` that say what is done to pictures."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from caffe2keras.cli.nearest import NearestChoice

__all__ = ["picture_options", "preprocessing_options"]


class _Mean(click.ParamType):  # type: ignore[type-arg]  # generic only in newer Click
    name = "FILE|V[,V,...]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...] | Path:
        """``104,117,123`` as numbers, anything else as a file."""
        try:
            return tuple(float(number) for number in str(value).split(","))
        except ValueError:
            return Path(value)


class _Size(click.ParamType):  # type: ignore[type-arg]  # generic only in newer Click
    name = "H,W"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """``256,256`` as numbers."""
        try:
            height, width = (int(number) for number in str(value).replace("x", ",").split(","))
        except ValueError:
            height = width = 0
        if min(height, width) < 1:
            self.fail(f"'{value}': expected a height and a width, as 256,256.", param, ctx)
        return height, width


_OPTIONS = (
    click.option(
        "--mean",
        type=_Mean(),
        help="Bake in: what is taken away from pictures. One number, one for each channel in "
        "the net's order, or a .binaryproto or .npy file.",
    ),
    click.option("--scale", type=float, help="Bake in: what the difference is multiplied by."),
    click.option(
        "--channel-order",
        type=NearestChoice(["rgb", "bgr"]),
        help="Bake in: how the channels of the model's pictures stand. Caffe's nets take bgr.",
    ),
    click.option(
        "--resize",
        type=_Size(),
        help="The size that predict brings pictures to before it cuts the net's own out of their "
        "middle; by default the mean image's, or the net's.",
    ),
    click.option(
        "--bake",
        is_flag=True,
        help="Bake in what the prototxt's transform_param says, as far as the options above do "
        "not, so that the model takes pictures with values from 0 to 255.",
    ),
)


def preprocessing_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options; it receives them together as ``preprocessing``."""

    @functools.wraps(function)
    def command(
        *args: Any, mean: Any, scale: Any, channel_order: Any, resize: Any, bake: bool, **rest: Any
    ) -> Any:
        from caffe2keras.preprocessing import Preprocessing

        told = Preprocessing(mean, scale, channel_order, resize)
        wanted = told if bake or not told.says_nothing else None
        return function(*args, preprocessing=wanted, **rest)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OF_A_PICTURE = (
    click.option(
        "--mean",
        type=_Mean(),
        help="With --image: what is taken away from it. One number, one for each channel in the "
        "net's order, or a .binaryproto or .npy file.",
    ),
    click.option("--scale", type=float, help="With --image: what the difference is multiplied by."),
    click.option(
        "--resize",
        type=_Size(),
        help="With --image: the size that it is brought to before the net's own is cut out of its "
        "middle.",
    ),
)


def picture_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that prepares one picture these options, together as ``preprocessing``."""

    @functools.wraps(function)
    def command(*args: Any, mean: Any, scale: Any, resize: Any, **rest: Any) -> Any:
        from caffe2keras.preprocessing import Preprocessing

        return function(*args, preprocessing=Preprocessing(mean, scale, None, resize), **rest)

    for option in reversed(_OF_A_PICTURE):
        command = option(command)
    return command
