"""V0's flat layers, ``layers { layer { type: "conv" kernelsize: 3 } }``, become V1's."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from caffe2keras.errors import PrototxtError
from caffe2keras.proto.caffe_pb2 import NetParameter, V0LayerParameter, V1LayerParameter
from caffe2keras.upgrade.carry import carry, report_unknown

__all__ = ["v0_layers_to_v1"]

# UpgradeV0LayerType
_TYPES: Mapping[str, str] = {
    "accuracy": "ACCURACY",
    "bnll": "BNLL",
    "concat": "CONCAT",
    "conv": "CONVOLUTION",
    "data": "DATA",
    "dropout": "DROPOUT",
    "euclidean_loss": "EUCLIDEAN_LOSS",
    "flatten": "FLATTEN",
    "hdf5_data": "HDF5_DATA",
    "hdf5_output": "HDF5_OUTPUT",
    "im2col": "IM2COL",
    "images": "IMAGE_DATA",
    "infogain_loss": "INFOGAIN_LOSS",
    "innerproduct": "INNER_PRODUCT",
    "lrn": "LRN",
    "multinomial_logistic_loss": "MULTINOMIAL_LOGISTIC_LOSS",
    "pool": "POOLING",
    "relu": "RELU",
    "sigmoid": "SIGMOID",
    "softmax": "SOFTMAX",
    "softmax_loss": "SOFTMAX_LOSS",
    "split": "SPLIT",
    "tanh": "TANH",
    "window_data": "WINDOW_DATA",
}

_DENSE = {
    "num_output": "num_output",
    "biasterm": "bias_term",
    "weight_filler": "weight_filler",
    "bias_filler": "bias_filler",
}
_WINDOW = {"pad": "pad", "kernelsize": "kernel_size", "stride": "stride"}
_FILE = {"source": "source", "batchsize": "batch_size"}

# V0 type -> the V1 message for its own fields, and their names there (UpgradeV0LayerParameter).
_FIELDS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "conv": ("convolution_param", {**_DENSE, **_WINDOW, "group": "group"}),
    "innerproduct": ("inner_product_param", _DENSE),
    "pool": ("pooling_param", {**_WINDOW, "pool": "pool"}),
    "dropout": ("dropout_param", {"dropout_ratio": "dropout_ratio"}),
    "lrn": ("lrn_param", {name: name for name in ("local_size", "alpha", "beta", "k")}),
    "concat": ("concat_param", {"concat_dim": "concat_dim"}),
    "infogain_loss": ("infogain_loss_param", {"source": "source"}),
    "data": ("data_param", {**_FILE, "rand_skip": "rand_skip"}),
    "hdf5_data": ("hdf5_data_param", _FILE),
    "images": (
        "image_data_param",
        {
            **_FILE,
            "rand_skip": "rand_skip",
            "shuffle_images": "shuffle",
            "new_height": "new_height",
            "new_width": "new_width",
        },
    ),
    "window_data": (
        "window_data_param",
        {
            **_FILE,
            "det_fg_threshold": "fg_threshold",
            "det_bg_threshold": "bg_threshold",
            "det_fg_fraction": "fg_fraction",
            "det_context_pad": "context_pad",
            "det_crop_mode": "crop_mode",
        },
    ),
}

# Whatever the type.
_TRANSFORM: Mapping[str, str] = {
    "scale": "scale",
    "meanfile": "mean_file",
    "cropsize": "crop_size",
    "mirror": "mirror",
}
_SAME = frozenset({"name", "blobs", "blobs_lr", "weight_decay", "unknown_field"})

# Said already: the type, and where `layer {` stands, which is inside the `layers {` we point to.
_SETTLED = frozenset({"type", "source_line", "source_column"})


def v0_layers_to_v1(net: NetParameter, source: str) -> None:
    """Rewrite every V0 layer as V1.

    Raises:
        PrototxtError: Caffe's V0 never had such a type.
    """
    for layer in net.layers:
        if layer.HasField("layer"):
            _rewrite(layer, source)


def _rewrite(layer: V1LayerParameter, source: str) -> None:
    old = V0LayerParameter()
    old.CopyFrom(layer.layer)
    layer.ClearField("layer")
    if old.HasField("type"):
        layer.type = V1LayerParameter.LayerType.Value(_type(old, source))
    own, fields = _FIELDS.get(old.type, ("", {}))
    for field, value in old.ListFields():
        name = field.name
        if name in _SAME:
            carry(value, layer, name)
        elif name in _TRANSFORM:
            carry(value, layer.transform_param, _TRANSFORM[name])
        elif name in fields:
            carry(value, getattr(layer, own), fields[name])
        elif name == "hdf5_output_param" and old.type == "hdf5_output":
            carry(value, layer, name)
        elif name not in _SETTLED:
            report_unknown(layer, f"layer.{name}", value)


def _type(old: V0LayerParameter, source: str) -> str:
    if old.type in _TYPES:
        return _TYPES[old.type]
    near: Any = difflib.get_close_matches(old.type, _TYPES, n=2)
    raise PrototxtError(
        what=f'layer "{old.name}" has type "{old.type}", which Caffe\'s V0 nets do not know',
        where=f"{source}:{old.source_line}",
        hint="did you mean " + " or ".join(f'"{one}"' for one in near) + "?" if near else "",
    )
