"""The steps from a picture to a blob, as a user says them and as one net has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["ChannelOrder", "Preprocessing", "Steps"]

ChannelOrder = Literal["rgb", "bgr"]


@dataclass(frozen=True)
class Preprocessing:
    """What a user says about a net's images; None leaves it to the prototxt.

    Attributes:
        mean: what is taken away: one number, one for each channel in the net's order, a
            ``.binaryproto`` or ``.npy`` file of a mean image, or such an image, (C, H, W).
        scale: what the difference is multiplied by.
        channel_order: how the channels of the pictures stand that the model is given. Caffe's
            nets take "bgr"; of "rgb" the model turns them round.
        resize: (height, width) that ``predict`` brings a picture to before it cuts the net's size
            out of its middle; by default the mean image's size, or the net's own.
    """

    mean: float | Sequence[float] | str | PathLike[str] | npt.NDArray[Any] | None = None
    scale: float | None = None
    channel_order: ChannelOrder | None = None
    resize: tuple[int, int] | None = None

    @property
    def says_nothing(self) -> bool:
        """Whether all is left to the prototxt."""
        return all(value is None for value in vars(self).values())


@dataclass(frozen=True)
class Steps:
    """The steps for one input of one net: ``blob = (picture - mean) * scale``.

    Attributes:
        blob: the input.
        mean: (C, 1, 1) or (C, H, W) in the net's channel order, H and W the net's own.
        scale: a factor.
        channel_order: of the pictures; the net itself takes "bgr".
        resize: (height, width) of the picture before the net's size is cut out of its middle.
        mean_file: the mean image's name, or "".
    """

    blob: str
    mean: npt.NDArray[np.float32] = field(compare=False)
    scale: float
    channel_order: ChannelOrder
    resize: tuple[int, int]
    mean_file: str = ""

    @property
    def has_mean_image(self) -> bool:
        """Whether each pixel has a mean of its own."""
        return self.mean.shape[1:] != (1, 1)
