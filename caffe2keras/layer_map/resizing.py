"""Whether a net keeps its freedom of height and width.

The net's shapes are inferred a second time for a larger image. If everything still fits, and no
layer whose Keras counterpart holds for one size only sees a different input, the converted model
is right for other sizes too, as Caffe's ``net.reshape()`` would have it.
"""

from __future__ import annotations

from caffe2keras.errors import GraphError
from caffe2keras.graph.net import Layer, Net, Shape
from caffe2keras.layer_map.registry import mappings
from caffe2keras.shapes.registry import infer

__all__ = ["is_resizable"]


def is_resizable(net: Net) -> bool:
    """Whether the net's mappings hold for images of other sizes than the declared one."""
    shapes = {
        blob.key: _enlarged(blob.shape) if len(blob.shape) >= 4 else blob.shape
        for blob in net.inputs
        if blob.dims is not None
    }
    if all(shapes[blob.key] == blob.dims for blob in net.inputs if blob.key in shapes):
        return False
    return all(_follows(layer, shapes) for layer in net.layers if layer.type != "Input")


def _enlarged(shape: Shape) -> Shape:
    # Three times as large: enough that no rounding hides the change, and still divisible by
    # whatever the size was, since nets with skip connections often fit only such sizes.
    return (*shape[:2], *(3 * size for size in shape[2:]))


def _follows(layer: Layer, shapes: dict[tuple[str, int], Shape]) -> bool:
    """Infer one layer with the enlarged shapes, and say whether it goes along."""
    entry = mappings().get(layer.type)
    if entry is None or any(blob.key not in shapes for blob in layer.bottoms):
        return False
    bottoms = [shapes[blob.key] for blob in layer.bottoms]
    changed = any(shape != blob.dims for shape, blob in zip(bottoms, layer.bottoms, strict=True))
    if changed and entry.fixes_size(layer):
        return False
    try:
        inferred = infer(layer.type, layer.params, bottoms, len(layer.tops))
    except GraphError:
        return False
    if inferred.weights != tuple(weight.shape for weight in layer.weights):
        return False
    shapes.update(zip((blob.key for blob in layer.tops), inferred.tops, strict=True))
    return True
