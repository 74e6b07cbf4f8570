"""InnerProduct and InnerDistance: a matrix with everything behind an axis."""

from __future__ import annotations

from math import prod

from caffe2keras.errors import UnsupportedCombinationError, UnsupportedFieldError
from caffe2keras.layer_map.registry import Placed, maps
from caffe2keras.layer_map.wiring import fixed_reshape, flatten, permuted_to_caffe, relaid, reshape
from caffe2keras.layout import Layout, caffe_order, chw_columns_to_layout_rows
from caffe2keras.spec import Fragment, KerasLayer, Variable, line

__all__ = ["inner_distance", "inner_product"]


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


@maps("InnerDistance", fixes_size=True)
def inner_distance(layer: Placed) -> Fragment:
    """The distance of everything behind the batch to learned centres.

    Caffe    centres (N, K), K = C·H·W flattened; distance_type L2, squared, or L1; normalize
    Keras    Flatten and caffe2keras>InnerDistance, kernel (K, N)
    Differs  normalize is done as on Caffe's GPU; its CPU adds a millionth to the squared length
    Refuses  centres from a second bottom, another axis than 1
    Source   inner_distance_layer.cu in happynear's caffe-windows
    """
    x, p = layer.inputs[0], layer.params.inner_distance_param
    p.honoured("bias_term", "transpose", "update_center_only")  # not read, or for training
    if len(layer.inputs) > 1 or x.axis(p.axis) != 1:
        raise UnsupportedCombinationError(
            what=f"InnerDistance from axis {p.axis} on with {len(layer.inputs)} bottoms",
            why="the distance to learned centres from axis 1 on is all that is mapped",
        )
    orders = {"L2": 2, "L1": 1}
    if p.distance_type not in orders:
        raise UnsupportedFieldError(
            what=f"inner_distance_param.distance_type = {p.distance_type}",
            why="Caffe knows L1 and L2 only",
        )
    (weight,) = layer.weights
    rows = chw_columns_to_layout_rows(weight.array, x.shape[1:], x.layout)
    config = {
        "units": p.num_output,
        "order": orders[p.distance_type],
        "normalize": p.normalize,
    }
    kernel = Variable("kernel", weight.shape[::-1], rows, weight)
    before = (flatten(),) if x.rank > 2 else ()
    keras = KerasLayer("caffe2keras>InnerDistance", config, (kernel,))
    return line(*before, keras, layout=caffe_order(2))
