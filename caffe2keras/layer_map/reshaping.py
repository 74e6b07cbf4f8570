"""Flatten, Reshape, Permute and Softmax's axis: the same numbers, other axes."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from caffe2keras.errors import ShapeError
from caffe2keras.graph.net import Layer, Shape
from caffe2keras.layer_map.registry import Layouts, Placed, maps
from caffe2keras.layer_map.wiring import fixed_reshape, flatten
from caffe2keras.layout import Layout, caffe_order, time_major
from caffe2keras.params import Params
from caffe2keras.shapes.registry import infer
from caffe2keras.spec import Fragment, KerasLayer, line

__all__ = ["flatten_", "permute", "reshape_"]


def _in_order(layer: Layer, given: Layouts) -> Layouts:
    """Caffe's order; with the batch first where (T, N, ...) keeps its first two axes."""
    x, out = layer.bottoms[0].shape, layer.tops[0].shape
    keeps_batch = x[:2] == out[:2] or _drops_time(x, out)
    if given[0].rank > 1 and given[0].permutation[0] == 1 and keeps_batch:
        return (time_major(len(x)),)
    return (caffe_order(len(x)),)


def _drops_time(x: Shape, out: Shape) -> bool:
    """Whether (1, N, ...) becomes (N, ...)."""
    return x[0] == 1 and len(out) > 1 and out[0] == x[1] and prod(out[1:]) == prod(x[2:])


def _is_partial(layer: Layer) -> bool:
    """Whether a Flatten leaves other axes than the batch as they are."""
    p, rank = layer.params.flatten_param, len(layer.bottoms[0].shape)
    return (p.axis % rank, p.end_axis % rank) != (1, rank - 1)


@maps("Flatten", wants=_in_order, fixes_size=_is_partial, any_batch_axis=True)
def flatten_(layer: Placed) -> Fragment:
    """Some axes merged into one, in Caffe's order.

    Caffe    axis to end_axis
    Keras    Flatten for all behind the batch, else Reshape, behind a Permute into Caffe's order
    Differs  from axis 0 on the batch size is fixed
    """
    x, p = layer.inputs[0], layer.params.flatten_param
    axis, end_axis = x.axis(p.axis), x.axis(p.end_axis)
    if (axis, end_axis) == (1, x.rank - 1) and x.layout.is_caffe_order:
        main = flatten()
        return line(KerasLayer(main.class_name, main.config), layout=caffe_order(2))
    return _reshaped(layer, _behind_the_batch(layer))


def _reshape_fixes_size(layer: Layer) -> bool:
    """Whether a Reshape copies a size that may change, or counts it into the batch."""
    kept = _keeps_batch(layer.bottoms[0].shape, layer.tops[0].shape)
    return not (kept and _infers_behind_the_batch(layer.params.reshape_param))


def _infers_behind_the_batch(p: Params) -> bool:
    """Whether the shape says all axes, copies none behind the batch and infers one of those."""
    dims = p.shape.dim
    return p.axis == 0 and p.num_axes == -1 and 0 not in dims[1:] and -1 in dims[1:]


def _keeps_batch(x: Shape, out: Shape) -> bool:
    return min(len(x), len(out)) > 1 and x[0] == out[0] and prod(x[1:]) == prod(out[1:])


def _mixes_samples(layer: Placed) -> bool:
    """Whether a batch of twice the size would come out as another number of samples.

    A 1 for a batch of one looks as if it kept the batch.
    """
    x, out = layer.inputs[0].shape, layer.outputs[0]
    try:
        (top,) = infer("Reshape", layer.params, [(2 * x[0], *x[1:])], 1).tops
    except ShapeError:
        return False  # Caffe takes this batch size only, and any other is a gain
    return top != (2 * out[0], *out[1:])


@maps("Reshape", wants=_in_order, fixes_size=_reshape_fixes_size, any_batch_axis=True)
def reshape_(layer: Placed) -> Fragment:
    """Another shape for the same numbers, in Caffe's order.

    Caffe    shape with 0 for a size to copy and -1 for one to infer; axis, num_axes
    Keras    Reshape, behind a Permute into Caffe's order
    Differs  across the batch axis the batch size is fixed
    """
    p = layer.params.reshape_param
    p.honoured("shape", "axis", "num_axes")  # the inferred shape says them
    if _infers_behind_the_batch(p):
        fragment = _reshaped(layer, p.shape.dim[1:])
    else:
        fragment = _reshaped(layer, _behind_the_batch(layer))
    if fragment.ties_batch or not fragment.calls or layer.inputs[0].layout.permutation[0] != 0:
        return fragment
    return replace(fragment, ties_batch=_mixes_samples(layer))


def _behind_the_batch(layer: Placed) -> Shape:
    return layer.outputs[0][1:]


def _reshaped(layer: Placed, target: Shape) -> Fragment:
    """To the output's shape; ``target`` is what stands behind the batch if that is kept."""
    x, out = layer.inputs[0], layer.outputs[0]
    if x.shape == out:
        return line()
    if x.layout.permutation[:1] == (1,) and x.shape[:2] != out[:2]:
        keras = KerasLayer("Reshape", {"target_shape": list(out[1:])})
        return line(keras, layout=caffe_order(len(out)))
    if x.layout.permutation[:1] == (1,):
        keras = KerasLayer("Reshape", {"target_shape": [out[0], *out[2:]]})
        return line(keras, layout=time_major(len(out)))
    layout = caffe_order(len(out))
    if _keeps_batch(x.shape, out):
        return line(KerasLayer("Reshape", {"target_shape": list(target)}), layout=layout)
    if x.shape[0] > 1 and _drops_time(out, x.shape):
        # The batch stays the batch, behind a time of one step.
        keras = KerasLayer("Reshape", {"target_shape": [1, *out[2:]]})
        return line(keras, layout=time_major(len(out)))
    return line(fixed_reshape(out, suffix=""), layout=layout, ties_batch=True)


@maps("Permute", any_batch_axis=True)
def permute(layer: Placed) -> Fragment:
    """Axes in another order.

    Caffe    order; axes that it leaves out follow in their own order (SSD's permute_layer.cpp)
    Keras    nothing at all: the numbers stay, and the blob's layout says how its axes stand
    """
    x = layer.inputs[0]
    given = tuple(layer.params.permute_param.order)
    order = given + tuple(axis for axis in range(x.rank) if axis not in given)
    permutation = tuple(order.index(axis) for axis in x.layout.permutation)
    return line(layout=Layout(permutation))
