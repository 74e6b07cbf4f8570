"""Scale and Bias: products and sums along some axes, learned or given by a second bottom."""

from __future__ import annotations

from caffe2keras.graph.net import Weight
from caffe2keras.layer_map.registry import Operand, Placed, maps
from caffe2keras.layer_map.wiring import transposition
from caffe2keras.spec import (
    Call,
    Fragment,
    FragmentInput,
    FragmentOutput,
    FragmentTensor,
    KerasLayer,
    Variable,
    line,
)

__all__ = ["bias", "scale"]


@maps(
    "Scale",
    fixes_size=lambda layer: any(len(w.shape) > 1 for w in layer.weights),
    any_batch_axis=True,
)
def scale(layer: Placed) -> Fragment:
    """A factor for each index along some axes, and a summand if asked for.

    Caffe    gamma shaped like the axes from ``axis`` on, learned or the second bottom; beta
             likewise with bias_term
    Keras    caffe2keras>Scale; with two bottoms Multiply or caffe2keras>BroadcastMultiply
    Differs  axis 0 with learned factors fixes the batch size
    """
    p = layer.params.scale_param
    axis, bias_term = p.axis, p.bias_term
    if len(layer.inputs) == 1:
        p.honoured("num_axes")  # the inferred shape of gamma says it
        return _learned(layer, axis, layer.weights, use_scale=True, use_bias=bias_term)
    # scale_layer.cpp reads num_axes only where the factors are learned.
    p.honoured("num_axes")
    product = _given(layer, axis, "caffe2keras>BroadcastMultiply", "Multiply")
    if not bias_term:
        return product
    beta = _own(layer.inputs[0], axis, layer.weights, use_scale=False, use_bias=True)
    beta_call = Call(_suffixed(beta, "_bias"), product.outputs)
    calls = (*product.calls, beta_call)
    outputs = (FragmentOutput(len(calls) - 1),)
    ties_batch = product.ties_batch or 0 in beta.config["axes"]
    return Fragment(calls, outputs, ties_batch=ties_batch)


@maps(
    "Bias",
    fixes_size=lambda layer: any(len(w.shape) > 1 for w in layer.weights),
    any_batch_axis=True,
)
def bias(layer: Placed) -> Fragment:
    """A summand for each index along some axes.

    Caffe    beta shaped like the axes from ``axis`` on, learned or the second bottom
    Keras    caffe2keras>Scale without factors; with two bottoms Add or caffe2keras>BroadcastAdd
    Differs  axis 0 with learned summands fixes the batch size
    """
    p = layer.params.bias_param
    axis = p.axis
    p.honoured("num_axes")
    if len(layer.inputs) == 1:
        return _learned(layer, axis, layer.weights, use_scale=False, use_bias=True)
    return _given(layer, axis, "caffe2keras>BroadcastAdd", "Add")


def _learned(
    layer: Placed, axis: int, weights: tuple[Weight, ...], *, use_scale: bool, use_bias: bool
) -> Fragment:
    x = layer.inputs[0]
    own = _own(x, axis, weights, use_scale=use_scale, use_bias=use_bias)
    return line(own, ties_batch=0 in own.config["axes"])


def _own(
    x: Operand, axis: int, weights: tuple[Weight, ...], *, use_scale: bool, use_bias: bool
) -> KerasLayer:
    """A Scale layer with learned arrays, their axes sorted as Keras has them."""
    axes = [x.keras_axis(x.axis(axis) + i) for i in range(len(weights[0].shape))]
    order = sorted(range(len(axes)), key=axes.__getitem__)
    names = ["gamma"] * use_scale + ["beta"] * use_bias
    variables = tuple(
        Variable(name, tuple(w.shape[i] for i in order), w.array.transpose(order), w)
        for name, w in zip(names, weights, strict=True)
    )
    config = {"axes": sorted(axes), "use_scale": use_scale, "use_bias": use_bias}
    return KerasLayer("caffe2keras>Scale", config, variables)


def _given(layer: Placed, axis: int, broadcast: str, same_shape: str) -> Fragment:
    """The second bottom's numbers, spread over the axes that it lacks."""
    x, g = layer.inputs
    if x.shape == g.shape and x.layout == g.layout:
        return line(KerasLayer(same_shape, {}), inputs=2)
    axes = [x.keras_axis(x.axis(axis) + caffe_axis) for caffe_axis in g.layout.permutation]
    order = tuple(sorted(range(len(axes)), key=axes.__getitem__))
    calls: list[Call] = []
    given: FragmentTensor = FragmentInput(1)
    for permute in transposition(order, "_permute_factor"):
        calls.append(Call(permute, (given,)))
        given = FragmentOutput(0)
    calls.append(Call(KerasLayer(broadcast, {"axes": sorted(axes)}), (FragmentInput(0), given)))
    # Without x's batch axis, the first axis of g is what Keras takes for a batch.
    return Fragment(tuple(calls), (FragmentOutput(len(calls) - 1),), ties_batch=0 not in axes)


def _suffixed(layer: KerasLayer, suffix: str) -> KerasLayer:
    return KerasLayer(layer.class_name, layer.config, layer.variables, suffix)
