"""BatchNorm's statistics are not learned by gradient."""

from __future__ import annotations

from caffe2keras.proto.caffe_pb2 import NetParameter

__all__ = ["freeze_batch_norm_statistics"]

_STATISTICS = 3  # mean, variance and the factor that both are divided by


def freeze_batch_norm_statistics(net: NetParameter, source: str) -> None:
    """Set rate and decay to 0 where a BatchNorm states them (UpgradeNetBatchNorm)."""
    for layer in net.layer:
        if layer.type == "BatchNorm" and len(layer.param) == _STATISTICS:
            for spec in layer.param:
                spec.lr_mult = 0
                spec.decay_mult = 0
