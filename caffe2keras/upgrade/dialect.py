"""Three generations of layers may not stand in one net."""

from __future__ import annotations

from caffe2keras.errors import PrototxtError
from caffe2keras.proto.caffe_pb2 import NetParameter, V1LayerParameter

__all__ = ["is_v0", "refuse_mixed_dialects"]


def is_v0(net: NetParameter) -> bool:
    """Whether any layer is written as ``layers { layer { ... } }``."""
    return any(layer.HasField("layer") for layer in net.layers)


def refuse_mixed_dialects(net: NetParameter, source: str) -> None:
    """Raise for a net that mixes dialects.

    Caffe refuses ``layer`` beside ``layers`` (UpgradeV1Net); of a V1 layer in a V0 net it silently
    loses everything but bottoms and tops (UpgradeV0LayerParameter), which we refuse as well.
    """
    if net.layers and net.layer:
        raise PrototxtError(
            what="the net mixes `layer` and `layers`",
            where=f"{source}:{max(net.layer[0].source_line, net.layers[0].source_line)}",
            why='`layer` has a type like "Convolution", the older `layers` one like CONVOLUTION; '
            "Caffe reads one or the other",
            hint="write all of them as `layer`",
        )
    if is_v0(net):
        stranger = next((layer for layer in net.layers if not layer.HasField("layer")), None)
        if stranger is not None:
            raise _v1_among_v0(stranger, source)


def _v1_among_v0(stranger: V1LayerParameter, source: str) -> PrototxtError:
    return PrototxtError(
        what=f'layer "{stranger.name}" is V1 in a net of V0 layers',
        where=f"{source}:{stranger.source_line}",
        why="others are written as `layers { layer { ... } }`, and Caffe reads all in one way",
        hint="write all layers in one way",
    )
