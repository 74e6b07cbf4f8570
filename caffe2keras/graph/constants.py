"""Blobs that hold one number everywhere, by the net's own word."""

from __future__ import annotations

from collections.abc import Mapping

from caffe2keras.graph.net import Net

__all__ = ["constants"]


def constants(net: Net) -> Mapping[tuple[str, int], float]:
    """The number of each top of DummyData; random ones are refused when the net is built."""
    known = {}
    for layer in net.layers:
        if layer.type == "DummyData":
            fillers = layer.params.fresh().dummy_data_param.data_filler
            for place, top in enumerate(layer.tops):
                # dummy_data_layer.cpp: no filler means 0, a single one serves every top.
                filler = fillers[min(place, len(fillers) - 1)] if fillers else None
                known[top.key] = float(filler.value) if filler is not None else 0.0
    return known
