"""The small Keras layers that mappings put before and behind the one that does the work."""

from __future__ import annotations

from caffe2keras.graph.net import Shape
from caffe2keras.layer_map.registry import Operand, Placed
from caffe2keras.layout import DataFormat, Layout, caffe_order
from caffe2keras.spec import Fragment, KerasLayer, line

__all__ = [
    "cropping",
    "fixed_reshape",
    "flatten",
    "permuted_to_caffe",
    "relaid",
    "reshape",
    "transposition",
    "with_four_axes",
    "zero_padding",
]


def transposition(permutation: tuple[int, ...], suffix: str = "_permute") -> tuple[KerasLayer, ...]:
    """The layer that transposes a tensor so; none for the identity.

    Args:
        permutation: new axis k is old axis ``permutation[k]``, the batch counted as 0.
        suffix: of the layer's name.
    """
    if permutation == tuple(range(len(permutation))):
        return ()
    if permutation[0] == 0:
        return (KerasLayer("Permute", {"dims": list(permutation[1:])}, suffix=suffix),)
    config = {"permutation": list(permutation)}
    return (KerasLayer("caffe2keras>Transpose", config, suffix=suffix),)


def relaid(operand: Operand, layout: Layout) -> tuple[KerasLayer, ...]:
    """What brings an operand into another layout."""
    return transposition(operand.layout.towards(layout))


def permuted_to_caffe(operand: Operand) -> tuple[KerasLayer, ...]:
    """What brings an operand into Caffe's axis order."""
    return relaid(operand, caffe_order(operand.rank))


def flatten() -> KerasLayer:
    """Everything behind the batch in one row."""
    # Keras's Flatten permutes a channels_first input before it flattens, and takes a missing
    # data_format from the user's settings: channels_last is the one that leaves the order alone.
    return KerasLayer("Flatten", {"data_format": "channels_last"}, suffix="_flatten")


def with_four_axes(layer: Placed, *layers: KerasLayer) -> Fragment:
    """Layers one behind the other, and behind them the four axes of Caffe's older blobs.

    Where the input has fewer, those that are missing at the end get a size of 1.
    """
    x = layer.inputs[0]
    if x.rank >= 4:
        return line(*layers)
    whole = reshape(layer.outputs[0][1:])
    return line(*layers, *permuted_to_caffe(x), whole, layout=caffe_order(4))


def reshape(target: Shape, suffix: str = "_reshape") -> KerasLayer:
    """The axes behind the batch in another shape; one of them may be -1."""
    return KerasLayer("Reshape", {"target_shape": list(target)}, suffix=suffix)


def fixed_reshape(target: Shape, suffix: str = "_reshape") -> KerasLayer:
    """All axes, the batch included, in another shape: it ties the batch size down."""
    config = {"target_shape": list(target)}
    return KerasLayer("caffe2keras>FixedReshape", config, suffix=suffix)


def zero_padding(pad: tuple[tuple[int, int], ...], data_format: DataFormat) -> KerasLayer:
    """Zeros (before, behind) each spatial axis."""
    return _spatial("ZeroPadding", "padding", pad, data_format, "_pad")


def cropping(crop: tuple[tuple[int, int], ...], data_format: DataFormat) -> KerasLayer:
    """Cut (before, behind) off each spatial axis."""
    return _spatial("Cropping", "cropping", crop, data_format, "_crop")


def _spatial(
    family: str,
    key: str,
    amounts: tuple[tuple[int, int], ...],
    data_format: DataFormat,
    suffix: str,
) -> KerasLayer:
    rank = len(amounts)
    config: dict[str, object] = {key: [list(pair) for pair in amounts]}
    if rank == 1:
        # The one-dimensional classes take a bare pair; Keras 2 does not let them say a format.
        config = {key: list(amounts[0])}
    if rank > 1 or data_format == "channels_first":
        config["data_format"] = data_format
    return KerasLayer(f"{family}{rank}D", config, suffix=suffix)
