"""InnerProduct: a matrix product with everything behind an axis."""

from __future__ import annotations

from math import prod

from caffe2keras.layer_map.registry import Placed, maps
from caffe2keras.layer_map.wiring import fixed_reshape, flatten, permuted_to_caffe, relaid, reshape
from caffe2keras.layout import Layout, caffe_order, chw_columns_to_layout_rows
from caffe2keras.spec import Fragment, KerasLayer, Variable, line

__all__ = ["inner_product"]


@maps("InnerProduct", fixes_size=True, any_batch_axis=True)
def inner_product(layer: Placed) -> Fragment:
    """Dense over everything from ``axis`` on.

    Caffe    W (out, in), or (in, out) with transpose; in = C·H·W flattened; b (out,)
    Keras    Flatten and Dense, kernel (in, out) with its rows in the order of the input's layout;
             from a later axis on: Reshape and Dense on the last axis
    Differs  axis 0 multiplies the batch away: the batch size is fixed then
    """
    x = layer.inputs[0]
    axis = x.axis(layer.params.inner_product_param.axis)
    if axis == 0:
        return _over_the_batch(layer)
    if axis == 1 and x.layout.permutation[0] == 0:
        before = (flatten(),) if x.rank > 2 else ()
        return line(*before, _dense(layer), layout=caffe_order(2))
    return _along_the_tail(layer, axis)


def _along_the_tail(layer: Placed, axis: int) -> Fragment:
    x = layer.inputs[0]
    kept = tuple(a for a in x.layout.permutation if a < axis)
    moves_batch = x.layout.permutation[0] >= axis
    if moves_batch:
        kept = tuple(range(axis))
    arranged = Layout((*kept, *range(axis, x.rank)))
    before = relaid(x, arranged)
    if axis < x.rank - 1:
        sizes = (*(x.shape[a] for a in kept[1:]), prod(x.shape[axis:]))
        before += (reshape(sizes),)
    layers = (*before, _dense(layer, reorder=False))
    return line(*layers, layout=Layout((*kept, axis)), ties_batch=moves_batch)


def _over_the_batch(layer: Placed) -> Fragment:
    x = layer.inputs[0]
    units = layer.params.inner_product_param.num_output
    before = (*permuted_to_caffe(x), fixed_reshape((1, prod(x.shape)), "_flatten"))
    after = fixed_reshape((units,), "_unflatten")
    layers = (*before, _dense(layer, reorder=False), after)
    return line(*layers, layout=caffe_order(1), ties_batch=True)


def _dense(layer: Placed, *, reorder: bool = True) -> KerasLayer:
    p, x = layer.params.inner_product_param, layer.inputs[0]
    weight, *bias = layer.weights
    matrix = weight.array.T if p.transpose else weight.array  # (out, in)
    rows = chw_columns_to_layout_rows(matrix, x.shape[1:], x.layout) if reorder else matrix.T
    config = {"units": p.num_output, "use_bias": p.bias_term, "kernel_initializer": "zeros"}
    kernel = Variable("kernel", (matrix.shape[1], p.num_output), rows, weight)
    return KerasLayer(
        "Dense", config, (kernel, *(Variable("bias", b.shape, b.array, b) for b in bias))
    )
