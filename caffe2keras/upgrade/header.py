"""``input``, ``input_dim`` and ``input_shape`` become an Input layer."""

from __future__ import annotations

from collections.abc import Sequence

from caffe2keras.errors import PrototxtError
from caffe2keras.proto.caffe_pb2 import LayerParameter, NetParameter

__all__ = ["input_fields_to_layer"]


def input_fields_to_layer(net: NetParameter, source: str) -> None:
    """Put an Input layer first (UpgradeNetInput).

    Caffe drops an input that has no shape; here it stays, for the shape may come from the user.

    Raises:
        PrototxtError: shapes and inputs do not match in number.
    """
    if not net.input:
        return
    layer = LayerParameter(name="input", type="Input", top=net.input)
    for shape in _shapes(net, source):
        layer.input_param.shape.add(dim=shape)
    rest = list(net.layer)
    del net.layer[:]
    net.layer.extend([layer, *rest])
    for name in ("input", "input_shape", "input_dim"):
        net.ClearField(name)


def _shapes(net: NetParameter, source: str) -> Sequence[Sequence[int]]:
    inputs = len(net.input)
    if net.input_shape:
        if len(net.input_shape) != inputs:
            raise _miscounted(net, f"{len(net.input_shape)} input_shape", source)
        return [shape.dim for shape in net.input_shape]
    # Four for each in BVLC's Caffe; the video forks have five.
    rank, rest = divmod(len(net.input_dim), inputs)
    if rest:
        raise _miscounted(net, f"{len(net.input_dim)} input_dim", source)
    dims = net.input_dim
    return [dims[start : start + rank] for start in range(0, len(dims), rank)] if rank else []


def _miscounted(net: NetParameter, received: str, source: str) -> PrototxtError:
    return PrototxtError(
        what=f"the net has {len(net.input)} inputs and {received} fields",
        where=source,
        why="each input needs one input_shape, or four input_dim: N, C, H, W",
        hint="its inputs are " + ", ".join(net.input),
    )
