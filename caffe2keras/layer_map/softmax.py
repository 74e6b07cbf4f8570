"""Softmax."""

from __future__ import annotations

from caffe2keras.layer_map.registry import Placed, maps
from caffe2keras.spec import Fragment, KerasLayer, line

__all__ = ["softmax"]


@maps("Softmax", "VoxelSoftmax", any_batch_axis=True)
def softmax(layer: Placed) -> Fragment:
    """Exponentials along an axis, scaled to a sum of one.

    C3D's VoxelSoftmax is the same over (N, C, L, H, W) (voxel_wise_softmax_layer.cpp).

    Caffe    axis
    Keras    Softmax
    Differs  along axis 0 the batch size is fixed
    """
    axis = layer.inputs[0].keras_axis(layer.params.softmax_param.axis)
    return line(KerasLayer("Softmax", {"axis": axis}), ties_batch=axis == 0)
