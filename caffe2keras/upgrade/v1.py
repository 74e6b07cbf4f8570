"""V1's layers, ``layers { type: CONVOLUTION blobs_lr: 1 }``, become the current ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caffe2keras.proto.caffe_pb2 import LayerParameter, NetParameter, V1LayerParameter
from caffe2keras.upgrade.carry import carry, report_unknown

__all__ = ["v1_layers_to_current"]

# UpgradeV1LayerType, as far as the new name is not simply the old one in camel case; behind it
# the forks' types, as their own current schema spells them.
_TYPES: Mapping[str, str] = {
    "NONE": "",
    "ABSVAL": "AbsVal",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "IM2COL": "Im2col",
    "LRN": "LRN",
    "MVN": "MVN",
    "RELU": "ReLU",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "TANH": "TanH",
    "BN": "BN",
    "DENSE_CRF": "DenseCRF",
    "PRELU": "PReLU",
    "RELU6": "ReLU6",
    "ROIPOOLING": "ROIPooling",
    "ROI_POOLING": "ROIPooling",
    "VOXEL_SOFTMAX_LOSS": "VoxelSoftmaxWithLoss",
}

# NetNeedsDataUpgrade: what these three once kept themselves.
_DATA_PARAMS: Mapping[str, str] = {
    "DATA": "data_param",
    "IMAGE_DATA": "image_data_param",
    "WINDOW_DATA": "window_data_param",
}
_TRANSFORM_FIELDS = ("scale", "mean_file", "crop_size", "mirror")

# V1's lists, one entry for each learned array, and their fields in ParamSpec.
_PARAM_SPEC: Mapping[str, str] = {
    "param": "name",
    "blob_share_mode": "share_mode",
    "blobs_lr": "lr_mult",
    "weight_decay": "decay_mult",
}

# The name that include rules had while they were being invented.
_RENAMED: Mapping[str, str] = {"enable": "include"}


def v1_layers_to_current(net: NetParameter, source: str) -> None:
    """Rewrite every V1 layer in the current schema (UpgradeV1LayerParameter)."""
    for old in net.layers:
        _lift_transformation(old)
        net.layer.append(_rewritten(old))
    del net.layers[:]


def _lift_transformation(layer: V1LayerParameter) -> None:
    """Move scale, mean, crop and mirror of the data layers to ``transform_param``."""
    name = _DATA_PARAMS.get(V1LayerParameter.LayerType.Name(layer.type))
    if name is None:
        return
    data: Any = getattr(layer, name)
    for field in _TRANSFORM_FIELDS:
        if data.HasField(field):
            carry(getattr(data, field), layer.transform_param, field)
            data.ClearField(field)


def _rewritten(old: V1LayerParameter) -> LayerParameter:
    new = LayerParameter()
    for field, value in old.ListFields():
        name = _RENAMED.get(field.name, field.name)
        if name in _PARAM_SPEC:
            _spread(value, new, _PARAM_SPEC[name])
        elif name in ("type", "unknown_type"):
            new.type = _type(old)
        elif name == "unknown_field":
            # That the type is no member of V1's enum matters no more: types are names now.
            new.unknown_field.extend(item for item in value if item.path != "type")
        elif name in LayerParameter.DESCRIPTOR.fields_by_name:
            carry(value, new, name)
        else:
            report_unknown(new, name, value)
    if old.unknown_type == "ELTWISE_PRODUCT":
        # Before the sum came (v0.999), this was the only Eltwise; today's default is SUM.
        new.eltwise_param.operation = new.eltwise_param.PROD
    return new


def _type(old: V1LayerParameter) -> str:
    name = old.unknown_type or V1LayerParameter.LayerType.Name(old.type)
    if name == "ELTWISE_PRODUCT":
        return "Eltwise"
    if not name.isupper():
        return name  # someone wrote the current type in an old layer, which is plain enough
    return _TYPES.get(name, name.title().replace("_", ""))


def _spread(values: Any, layer: LayerParameter, field: str) -> None:
    for place, value in enumerate(values):
        if place == len(layer.param):
            layer.param.add()
        setattr(layer.param[place], field, value)
