"""V0, V1 and the old headers become the current schema, exactly as Caffe does it.

::

    NetParameter ── V0 ─▶ V1 ─▶ current ─▶ input fields ─▶ BatchNorm's param ─▶ NetParameter

The order is upgrade_proto.cpp's (UpgradeNetAsNeeded). What a net does not need leaves it alone, so
that an upgraded net passes unchanged.
"""

from __future__ import annotations

from collections.abc import Callable

from caffe2keras.proto.caffe_pb2 import NetParameter
from caffe2keras.upgrade.batch_norm import freeze_batch_norm_statistics
from caffe2keras.upgrade.dialect import refuse_mixed_dialects
from caffe2keras.upgrade.header import input_fields_to_layer
from caffe2keras.upgrade.padding import fold_padding_layers
from caffe2keras.upgrade.v0 import v0_layers_to_v1
from caffe2keras.upgrade.v1 import v1_layers_to_current

__all__ = ["upgrade"]

# Each step works on the net that it is given; upgrade() gives it a copy.
_STEPS: tuple[Callable[[NetParameter, str], None], ...] = (
    refuse_mixed_dialects,
    fold_padding_layers,
    v0_layers_to_v1,
    v1_layers_to_current,
    input_fields_to_layer,
    freeze_batch_norm_statistics,
)


def upgrade(net: NetParameter, source: str = "") -> NetParameter:
    """The same net in the current schema.

    Pure and idempotent. ``force_backward``, ``debug_info`` and the forks' ``engine`` pass through:
    they steer training and logging and change no number of a forward pass. ``state`` passes
    through too, for its stages count when layers are chosen.

    Args:
        net: in any dialect; never changed.
        source: the file's name, for messages.

    Raises:
        PrototxtError: dialects are mixed, a V0 type or an unnumbered input is unknown to Caffe,
            or a V0 padding layer stands where Caffe cannot fold it.
    """
    upgraded = NetParameter()
    upgraded.CopyFrom(net)
    for step in _STEPS:
        step(upgraded, source)
    return upgraded
