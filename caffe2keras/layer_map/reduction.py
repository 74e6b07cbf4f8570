"""Reduction and ArgMax: what is left of an axis."""

from __future__ import annotations

from caffe2keras.layer_map.registry import Placed, maps
from caffe2keras.layer_map.wiring import permuted_to_caffe
from caffe2keras.layout import Layout, caffe_order
from caffe2keras.spec import Fragment, KerasLayer, line

__all__ = ["arg_max", "reduction"]


@maps("Reduction", any_batch_axis=True)
def reduction(layer: Placed) -> Fragment:
    """A sum over an axis and all behind it.

    Caffe    operation SUM, ASUM, SUMSQ or MEAN; axis; coeff
    Keras    caffe2keras>Reduction
    Differs  from axis 0 on the batch size is fixed
    """
    x, p = layer.inputs[0], layer.params.reduction_param
    axis = x.axis(p.axis)
    config = {
        "operation": p.operation.lower(),
        "axes": sorted(x.keras_axis(a) for a in range(axis, x.rank)),
        "coeff": p.coeff,
    }
    left = Layout(tuple(a for a in x.layout.permutation if a < axis))
    reduce = KerasLayer("caffe2keras>Reduction", config)
    return line(reduce, layout=left, ties_batch=0 in config["axes"])


@maps("ArgMax", fixes_size=lambda layer: not layer.params.argmax_param.has("axis"))
def arg_max(layer: Placed) -> Fragment:
    """The greatest values, or where they are.

    Caffe    the top_k greatest along axis, or of everything behind the batch; positions count in
             Caffe's order; out_max_val
    Keras    caffe2keras>ArgMax
    """
    x, p = layer.inputs[0], layer.params.argmax_param
    config = {"top_k": p.top_k, "out_max_val": p.out_max_val}
    if p.has("axis"):
        axis = x.keras_axis(p.axis)
        found = KerasLayer("caffe2keras>ArgMax", {"axis": axis, **config})
        return line(found, ties_batch=axis == 0)
    found = KerasLayer("caffe2keras>ArgMax", {"axis": None, **config})
    return line(*permuted_to_caffe(x), found, layout=caffe_order(len(layer.outputs[0])))
