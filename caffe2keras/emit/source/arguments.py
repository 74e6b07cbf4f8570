"""A layer's config as the arguments that a person would write."""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence
from typing import Any

from caffe2keras.emit.source.literals import literal
from caffe2keras.errors import UnsupportedError
from caffe2keras.spec import KerasLayer, NamedLayer

__all__ = ["DEFAULTS", "LEADING", "arguments", "default_of", "import_of", "is_channels_first"]

# What Keras takes where nothing is said; only arguments that mappings ever say. A test holds
# them to the signatures of Keras.
_CONVOLUTION = {"strides": 1, "padding": "valid", "dilation_rate": 1, "use_bias": True}
_POOLING = {"padding": "valid"}
_RNN = {
    "activation": "tanh",
    "use_bias": True,
    "return_sequences": False,
    "return_state": False,
    "go_backwards": False,
    "stateful": False,
    "unroll": False,
}
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    **{f"Conv{rank}D": {**_CONVOLUTION, "groups": 1} for rank in (1, 2, 3)},
    **{f"Conv{rank}DTranspose": _CONVOLUTION for rank in (1, 2, 3)},
    "DepthwiseConv2D": {**_CONVOLUTION, "depth_multiplier": 1},
    **{f"{kind}Pooling{rank}D": _POOLING for rank in (1, 2, 3) for kind in ("Max", "Average")},
    **{
        f"Global{kind}Pooling{r}D": {"keepdims": False}
        for r in (1, 2, 3)
        for kind in ("Max", "Average")
    },
    "BatchNormalization": {
        "axis": -1,
        "momentum": 0.99,
        "epsilon": 0.001,
        "center": True,
        "scale": True,
    },
    "Concatenate": {"axis": -1},
    "Dense": {"activation": None, "use_bias": True},
    "ELU": {"alpha": 1.0},
    "LSTM": {**_RNN, "recurrent_activation": "sigmoid", "unit_forget_bias": True},
    "PReLU": {"shared_axes": None},
    "ReLU": {"max_value": None, "negative_slope": 0.0, "threshold": 0.0},
    "SimpleRNN": _RNN,
    "Softmax": {"axis": -1},
    "UpSampling2D": {"size": 2, "interpolation": "nearest"},
    "caffe2keras>LRN": {"k": 1.0, "norm_region": "across_channels"},
    "caffe2keras>MVN": {"normalize_variance": True},
    "caffe2keras>Pooling2D": {"padding": 0, "ceil_mode": True},
    "caffe2keras>Pooling3D": {"padding": 0, "ceil_mode": True},
    "caffe2keras>Power": {"power": 1.0, "scale": 1.0, "shift": 0.0},
    "caffe2keras>Scale": {"use_scale": True},
}

# What people say without its name.
_BOTH = ("filters", "kernel_size")
LEADING: Mapping[str, tuple[str, ...]] = {
    **{f"Conv{rank}D": _BOTH for rank in (1, 2, 3)},
    **{f"Conv{rank}DTranspose": _BOTH for rank in (1, 2, 3)},
    "DepthwiseConv2D": ("kernel_size",),
    **{f"{kind}Pooling{r}D": ("pool_size",) for r in (1, 2, 3) for kind in ("Max", "Average")},
    **{f"ZeroPadding{rank}D": ("padding",) for rank in (1, 2, 3)},
    **{f"Cropping{rank}D": ("cropping",) for rank in (1, 2, 3)},
    "Activation": ("activation",),
    "Dense": ("units",),
    "Dropout": ("rate",),
    "Embedding": ("input_dim", "output_dim"),
    "LSTM": ("units",),
    "Permute": ("dims",),
    "Reshape": ("target_shape",),
    "SimpleRNN": ("units",),
}

# Sizes that one number says where they are the same along all axes.
_SIZES = frozenset(
    {"kernel_size", "strides", "dilation_rate", "pool_size", "padding", "cropping", "size"}
)

# Names that Keras 3 has for what older ones call otherwise.
_RENAMED = {("LeakyReLU", "alpha"): "negative_slope"}

# What mappings say so that Keras 2 on Theano takes it; Keras 3 takes Caffe's own.
_EPSILON_OF_THEANO = 1.0000001e-5

_OURS = "caffe2keras"


def arguments(layer: KerasLayer, rank: int | None, data_format: str) -> dict[str, str]:
    """The arguments that differ from Keras's defaults, as source, in the order of the config.

    Initial values are left out: every variable is loaded. So is the axis order that all share.

    Args:
        layer: any but an InputLayer.
        rank: of what it gives, if it is known, to tell the last axis.
        data_format: what Keras is set to.

    Raises:
        UnsupportedError: the config holds what no constructor can be given.
    """
    told: dict[str, str] = {}
    for key, value in layer.config.items():
        if layer.variables and key.endswith("_initializer"):
            continue
        if key == "data_format" and value == data_format:
            continue
        if not key.isidentifier() or keyword.iskeyword(key):
            raise UnsupportedError(
                what=f"{layer.class_name} has an argument {key!r}, which Python cannot say",
                hint="choose --format h5",
            )
        told[_RENAMED.get((layer.class_name, key), key)] = literal(_plain(layer, key, rank))
    if ">" not in layer.class_name and told.get("pool_size", "") == told.get("strides"):
        del told["strides"]
    defaults = DEFAULTS.get(layer.class_name, {})
    return {
        k: text for k, text in told.items() if k not in defaults or text != literal(defaults[k])
    }


def default_of(class_name: str, argument: str) -> str | None:
    """What Keras takes where an argument is not said, as source; None if it must be said."""
    defaults = DEFAULTS.get(class_name, {})
    return literal(defaults[argument]) if argument in defaults else None


def _plain(layer: KerasLayer, key: str, rank: int | None) -> Any:
    value = layer.config[key]
    # Some layers of ours count their axes by the length of these.
    lenient = ">" not in layer.class_name or layer.class_name in DEFAULTS
    if key in _SIZES and lenient and isinstance(value, list | tuple):
        return _size(value)
    if key == "axis" and rank is not None and value == rank - 1:
        return DEFAULTS.get(layer.class_name, {}).get(key, value)
    if key == "epsilon" and value == _EPSILON_OF_THEANO:
        return 1e-5
    return value


def _size(value: Sequence[Any]) -> Any:
    """One number where all axes have the same, one for each axis where both its ends have."""
    if all(isinstance(ends, Sequence) and len(set(ends)) == 1 for ends in value):
        value = [ends[0] for ends in value]
    same = all(not isinstance(item, Sequence) and item == value[0] for item in value)
    return value[0] if value and same else value


def is_channels_first(layers: tuple[NamedLayer, ...]) -> bool:
    """Whether a model keeps its images as (N, C, H, W); Flatten says nothing about that."""
    return any(
        named.layer.config.get("data_format") == "channels_first"
        for named in layers
        if named.layer.class_name != "Flatten"
    )


def import_of(named: NamedLayer) -> tuple[str, str]:
    """The module that a layer's class is imported from, and its name there.

    Raises:
        UnsupportedError: it belongs to a plugin.
    """
    package, sign, name = named.layer.class_name.rpartition(">")
    if not sign and name.isidentifier():
        return "keras.layers", name
    if package == _OURS and name.isidentifier():
        return "caffe2keras.runtime", name
    raise UnsupportedError(
        what=f'the layer "{named.name}" is of a plugin\'s class, {named.layer.class_name}',
        where=named.caffe_layer,
        why="a file of source cannot import it",
        hint="choose --format h5",
    )
