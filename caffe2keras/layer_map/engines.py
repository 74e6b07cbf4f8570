"""What only one engine of a fork computes by: said, and left to it."""

from __future__ import annotations

from caffe2keras.graph.net import Note
from caffe2keras.layer_map.registry import Placed

__all__ = ["eight_bit_arithmetic"]


def eight_bit_arithmetic(placed: Placed) -> tuple[Note, ...]:
    """A note where Intel's Caffe would compute in 8 bits.

    Of its engines MKL-DNN alone reads ``quantization_param`` (mkldnn_convolution_layer.cpp and
    mkldnn_inner_product_layer.cpp there); the weights are stored in single precision all the
    same, and its other engines, as all of Caffe's, compute with them as they are.
    """
    if not placed.params.has("quantization_param"):
        return ()
    placed.params.honoured("quantization_param")
    text = (
        "it computes in single precision, as on Caffe's own engine; "
        "by quantization_param Intel's MKL-DNN engine would compute in 8 bits"
    )
    return (Note("decided", placed.name, text),)
