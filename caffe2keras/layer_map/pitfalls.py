"""Stock layers that are wrong somewhere: found out beforehand, and said."""

from __future__ import annotations

from caffe2keras.graph.net import Note
from caffe2keras.layer_map.registry import Placed
from caffe2keras.spec import Fragment

__all__ = ["tensorflow_fault"]

_ADD_A_BIAS = frozenset(
    {"Conv2D", "Conv3D", "DepthwiseConv2D", "Conv2DTranspose", "Conv3DTranspose"}
)


def tensorflow_fault(placed: Placed, fragment: Fragment) -> tuple[Note, ...]:
    """A warning where TensorFlow adds a channels_first bias along the wrong axis.

    It takes a bias of shape (1, C, 1, 1) for one of channels last if the output is as wide as it
    has channels (keras.ops.add on the TensorFlow backend, measured on Keras 3.15).
    """
    if placed.data_format != "channels_first":
        return ()
    at_risk = any(
        call.layer.class_name in _ADD_A_BIAS and call.layer.config.get("use_bias", True)
        for call in fragment.calls
    )
    if not at_risk or all(shape[-1] != shape[1] for shape in placed.outputs):
        return ()
    text = (
        f"its output is as wide as it has channels ({placed.outputs[0][1]}); Keras on TensorFlow "
        "adds a channels_first bias along the wrong axis then; other backends are right"
    )
    return (Note("warning", placed.name, text),)
