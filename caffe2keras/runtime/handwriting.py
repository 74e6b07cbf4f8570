"""The network that reads lines of handwriting, of two-dimensional LSTMs and CTC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.blocks import CollapseRows, TileBlocks
from caffe2keras.runtime.dialect import keras, zip
from caffe2keras.runtime.mdlstm import MultiDirectionalLSTM

__all__ = ["handwriting_network"]


def handwriting_network(
    labels: int,
    image_shape: Sequence[int | None] = (None, None, 1),
    *,
    units: Sequence[int] = (2, 10, 50),
    features: Sequence[int] = (6, 20),
    block: Sequence[int] = (2, 2),
    windows: Sequence[Sequence[int]] = ((2, 4), (2, 4)),
    dropout: float = 0.5,
    softmax: bool = False,
    padding: float | None = None,
    name: str = "handwriting",
    **options: Any,
) -> keras.Model:
    """Build the network of V. Pham and others, arXiv 1312.4569, by default with its sizes.

    From the image up:

    1. blocks of 2 x 2 pixels become one pixel each;
    2. LSTMs of 2 units scan in four directions; of each direction's output a convolution of its
       own, as large as its stride, without bias, makes 6 features; their sum, and tanh;
    3. the same with 10 units and 20 features;
    4. LSTMs of 50 units in four directions; of each a dense layer of its own, without bias, makes
       the labels; their sum over the directions and over y, and one bias.

    Dropout lies on what the LSTMs give to the layer above, never on what they give themselves.
    Blocks and convolutions are zero-padded at the bottom and right. The way through the net is
    channels_last.

    Args:
        labels: how many, without the blank of CTC, which comes on top of them: label 0, as
            ``keras.losses.CTC`` has it.
        image_shape: (H, W, C); H and W may be None, except on OpenVINO.
        units: of the LSTMs, level by level.
        features: of the convolutions, level by level but the last.
        block: (h, w) of the blocks.
        windows: (h, w) of the convolutions, level by level but the last.
        dropout: the rate.
        softmax: whether the outputs are probabilities. ``keras.losses.CTC`` wants them not to be.
        padding: the number that fills up images which are smaller than others of their batch, one
            that no pixel has; such pixels count as outside of the image. None: there are none.
        name: the model's.
        **options: those of :class:`MultiDirectionalLSTM`, such as ``peepholes=True``, which
            RNNLIB has, or ``cell="stable"``.

    Returns:
        A model from (N, H, W, C) to (N, T, labels + 1), where T is W divided by the widths of
        block and windows, rounded up each time: one row of scores for every column that is left.

    Raises:
        ValueError: the levels do not match.
    """
    if not len(units) - 1 == len(features) == len(windows):
        raise ValueError(
            "There must be features and a window for every level but the last. Received: "
            f"units={units}, features={features}, windows={windows}"
        )
    images = keras.Input(tuple(image_shape), name="images")
    x = images if padding is None else keras.layers.Masking(padding, name="padding")(images)
    x = TileBlocks(block, data_format="channels_last", name="blocks")(x)
    for level, (width, window) in enumerate(zip(features, windows, strict=True)):
        directions = _scanned(x, units[level], level, dropout, options)
        x = _summed(_tiled(directions, window, level), width, f"convolution{level}")
        x = keras.layers.Activation("tanh", name=f"tanh{level}")(x)
    directions = _scanned(x, units[-1], len(features), dropout, options)
    x = _summed(directions, labels + 1, "labels")
    x = CollapseRows(data_format="channels_last", name="collapse")(x)
    if softmax:
        x = keras.layers.Softmax(name="softmax")(x)
    return keras.Model(images, x, name=name)


def _scanned(
    x: keras.KerasTensor, units: int, level: int, dropout: float, options: dict[str, Any]
) -> list[keras.KerasTensor]:
    """The outputs of the four directions, some of them dropped in training."""
    lstm = MultiDirectionalLSTM(
        units, merge="list", data_format="channels_last", name=f"lstm{level}", **options
    )
    return [
        keras.layers.Dropout(dropout, name=f"dropout{level}_{way}")(one)
        for way, one in enumerate(lstm(x))
    ]


def _tiled(
    directions: Sequence[keras.KerasTensor], window: Sequence[int], level: int
) -> list[keras.KerasTensor]:
    """What the convolutions see; a stride as long as the kernel leaves nothing but blocks."""
    return [
        TileBlocks(window, data_format="channels_last", name=f"window{level}_{way}")(one)
        for way, one in enumerate(directions)
    ]


def _summed(directions: Sequence[keras.KerasTensor], width: int, name: str) -> keras.KerasTensor:
    """The sum of what each direction makes with weights of its own, without a bias."""
    return keras.layers.Add(name=f"{name}_sum")(
        [
            keras.layers.Dense(width, use_bias=False, name=f"{name}_{way}")(one)
            for way, one in enumerate(directions)
        ]
    )
