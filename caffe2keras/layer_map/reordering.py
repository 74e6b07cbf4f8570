"""Transpose, Reverse, ReverseTime, Flip and ShuffleChannel: the same numbers in another order."""

from __future__ import annotations

from math import prod

from caffe2keras.layer_map.registry import Placed, maps
from caffe2keras.layer_map.wiring import permuted_to_caffe, reshape
from caffe2keras.layout import Layout, caffe_order
from caffe2keras.spec import Fragment, KerasLayer, line

__all__ = ["flip", "reverse", "reverse_time", "shuffle_channel", "transpose"]


@maps("Transpose", any_batch_axis=True)
def transpose(layer: Placed) -> Fragment:
    """All axes in another order.

    Caffe    dim
    Keras    nothing at all: the numbers stay, and the blob's layout says how its axes stand
    Source   transpose_layer.cpp in senlinuc's caffe_ocr and in CTPN's fork
    """
    order = tuple(layer.params.transpose_param.dim)
    permutation = tuple(order.index(axis) for axis in layer.inputs[0].layout.permutation)
    return line(layout=Layout(permutation))


@maps("Reverse", any_batch_axis=True)
def reverse(layer: Placed) -> Fragment:
    """Back to front along an axis.

    Caffe    axis
    Keras    caffe2keras>Reverse
    Differs  along the batch axis the batch size is fixed
    Source   reverse_layer.cpp in senlinuc's caffe_ocr and in CTPN's fork
    """
    axis = layer.inputs[0].keras_axis(layer.params.reverse_param.axis)
    return line(KerasLayer("caffe2keras>Reverse", {"axes": [axis]}), ties_batch=axis == 0)


@maps("ReverseTime", wants="free", any_batch_axis=True)
def reverse_time(layer: Placed) -> Fragment:
    """Each sequence back to front as far as it goes.

    Caffe    sequences (T, N, ...), lengths (N,); copy_remaining
    Keras    caffe2keras>ReverseSequence
    Differs  behind the end of a sequence Caffe leaves what its memory held before, here it is 0,
             unless copy_remaining; the batch size is fixed unless N is the batch
    Source   reverse_time_layer.cpp in senlinuc's caffe_ocr
    """
    x = layer.inputs[0]
    config = {
        "time_axis": x.keras_axis(0),
        "sequence_axis": x.keras_axis(1),
        "copy_remaining": layer.params.reverse_time_param.copy_remaining,
    }
    keras = KerasLayer("caffe2keras>ReverseSequence", config)
    return line(keras, inputs=2, layout=x.layout, ties_batch=x.keras_axis(1) != 0)


@maps("Flip", wants="image")
def flip(layer: Placed) -> Fragment:
    """An image mirrored.

    Caffe    flip_width, flip_height
    Keras    caffe2keras>Reverse; nothing at all for neither
    Source   flip_layer.cpp in happynear's caffe-windows
    """
    x, p = layer.inputs[0], layer.params.flip_param
    mirrored = [axis for axis, is_so in ((2, p.flip_height), (3, p.flip_width)) if is_so]
    axes = sorted(x.keras_axis(axis) for axis in mirrored if axis < x.rank)
    return line(KerasLayer("caffe2keras>Reverse", {"axes": axes})) if axes else line()


@maps("ShuffleChannel", wants="image")
def shuffle_channel(layer: Placed) -> Fragment:
    """The first channel of every group, then the second of every group, and so on.

    Caffe    group; the top always has four axes
    Keras    Reshape, Permute and Reshape; caffe2keras>ShuffleChannels where the net keeps its
             freedom of size; nothing at all for a single group
    Source   shuffle_channel_layer.cpp in farmingyard's ShuffleNet
    """
    x, groups = layer.inputs[0], layer.params.shuffle_channel_param.group
    if x.rank < 4:
        return _shuffled_vector(layer, groups)
    if groups in (1, x.shape[1]):
        return line()
    if layer.resizable:
        config = {"groups": groups, "data_format": layer.data_format}
        return line(KerasLayer("caffe2keras>ShuffleChannels", config))
    return line(*_by_stock_layers(layer, groups))


def _by_stock_layers(layer: Placed, groups: int) -> tuple[KerasLayer, ...]:
    x = layer.inputs[0]
    at, each = x.keras_axis(1), x.shape[1] // groups
    shape = x.keras_shape[1:]
    # Keras counts the axes behind the batch from 1, as Permute's dims are to be given.
    dims = [*range(1, at), at + 1, at, *range(at + 2, x.rank + 1)]
    return (
        reshape((*shape[: at - 1], groups, each, *shape[at:]), suffix="_groups"),
        KerasLayer("Permute", {"dims": dims}, suffix="_permute"),
        reshape(shape, suffix=""),
    )


def _shuffled_vector(layer: Placed, groups: int) -> Fragment:
    """Fewer axes than four, which Caffe fills up behind."""
    x = layer.inputs[0]
    channels, length = x.shape[1], prod(x.shape[2:])
    return line(
        *permuted_to_caffe(x),
        reshape((groups, channels // groups, length), suffix="_groups"),
        KerasLayer("Permute", {"dims": [2, 1, 3]}, suffix="_shuffle"),
        reshape(layer.outputs[0][1:], suffix=""),
        layout=caffe_order(4),
    )
