"""V0's padding layers disappear in the convolution or pooling behind them."""

from __future__ import annotations

from caffe2keras.errors import PrototxtError, UnknownBlobError
from caffe2keras.proto.caffe_pb2 import NetParameter, V1LayerParameter
from caffe2keras.upgrade.dialect import is_v0

__all__ = ["fold_padding_layers"]


def fold_padding_layers(net: NetParameter, source: str) -> None:
    """Give each padding layer's pad to its reader (UpgradeV0PaddingLayers).

    Raises:
        PrototxtError: the reader is no conv or pool with one bottom.
        UnknownBlobError: a bottom that nothing produces.
    """
    if not is_v0(net):
        return
    producers: dict[str, V1LayerParameter | None] = dict.fromkeys(net.input)
    for layer in net.layers:
        for place, blob in enumerate(layer.bottom):
            if blob not in producers:
                raise UnknownBlobError(
                    what=f'layer "{layer.layer.name}" reads blob "{blob}", which no layer before '
                    "it produces",
                    where=f"{source}:{layer.source_line}",
                )
            producer = producers[blob]
            if producer is not None and producer.layer.type == "padding":
                _fold(producer, layer, place, source)
        producers.update(dict.fromkeys(layer.top, layer))
    rest = [layer for layer in net.layers if layer.layer.type != "padding"]
    del net.layers[:]
    net.layers.extend(rest)


def _fold(padding: V1LayerParameter, reader: V1LayerParameter, place: int, source: str) -> None:
    alone = len(reader.bottom) == len(padding.bottom) == len(padding.top) == 1
    if reader.layer.type not in ("conv", "pool") or not alone:
        raise PrototxtError(
            what=f'layer "{reader.layer.name}" ({reader.layer.type}) reads a padding layer',
            where=f"{source}:{reader.source_line}",
            why="padding can only be folded into a conv or pool layer with one bottom",
            hint="give the layer that reads it a pad of its own",
        )
    reader.layer.pad = padding.layer.pad
    reader.bottom[place] = padding.bottom[0]
