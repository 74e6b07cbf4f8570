"""What Keras 3 has in stock and converted files ask for, where Keras 2 does not have it.

So it is with layers that Keras 2 has, but not in full or not right. The names are taken over in
Keras's table of custom objects when the runtime is imported: a file need not be told which Keras it
is for. Else a layer that Keras 2 has is Keras 2's own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from caffe2keras.runtime.convolution import Conv
from caffe2keras.runtime.dialect import keras, ops, zip

if keras.backend.backend() == "theano":
    from caffe2keras.runtime.dialect.theano_merging import MERGING, repeating
    from caffe2keras.runtime.dialect.theano_multiplier import LearningRateMultiplier
else:
    from caffe2keras.runtime.dialect.tensorflow_multiplier import LearningRateMultiplier
    from caffe2keras.runtime.dialect.tensorflow_pooling import POOLING, righted

__all__ = ["ConvolutionOfAnyGroups", "LearningRateMultiplier", "hard_silu", "mish", "provide"]


class ConvolutionOfAnyGroups:
    """In place of a Conv layer's class, when a config is read: Keras's own, or ours with groups.

    Keras 2.3 does not know the word. On Theano it turns the kernels round that it reads for its own
    layers, by their class; ours takes them as they are.

    Args:
        stock: Keras's own class.
    """

    def __init__(self, stock: Any) -> None:
        self.stock = stock

    def from_config(self, config: Mapping[str, Any]) -> Any:
        """The layer."""
        own = dict(config)
        groups = own.pop("groups", 1)
        return self.stock.from_config(own) if groups == 1 else _grouped(own, groups)


def _grouped(config: dict[str, Any], groups: int) -> Any:
    """Our layer for a config of Keras's."""
    kernel, spread = config["kernel_size"], config["dilation_rate"]
    activation = config.get("activation", "linear")
    if activation not in (None, "linear"):
        raise ValueError(f"Groups and an activation together. Received: {activation!r}")
    return Conv(
        filters=config["filters"],
        kernel_size=kernel,
        strides=config["strides"],
        padding=_amounts(config, [d * (k - 1) for k, d in zip(kernel, spread, strict=True)]),
        dilation_rate=spread,
        groups=groups,
        use_bias=config["use_bias"],
        data_format=config["data_format"],
        name=config["name"],
        trainable=config.get("trainable", True),
    )


def _amounts(config: Mapping[str, Any], reaches: list[int]) -> list[int]:
    """The zeros on both sides along each axis; a kernel reaches so far beyond its first tap."""
    if config["padding"] == "valid":
        return [0] * len(reaches)
    even = all(reach % 2 == 0 for reach in reaches) and set(config["strides"]) == {1}
    if config["padding"] != "same" or not even:
        raise ValueError(
            "With groups, padding is 'valid', or 'same' of an odd kernel and stride 1. "
            f"Received: padding={config['padding']!r}"
        )
    return [reach // 2 for reach in reaches]


def mish(x: Any) -> Any:
    """``x tanh(log(1 + exp(x)))``."""
    return x * ops.tanh(ops.softplus(x))


def hard_silu(x: Any) -> Any:
    """``x min(max(x + 3, 0), 6) / 6``."""
    return x * ops.clip(x + 3.0, 0.0, 6.0) / 6.0


def provide() -> None:
    """Put what is missing into Keras's table of custom objects."""
    names = keras.utils.get_custom_objects()
    if keras.backend.backend() == "theano":
        for name in ("Conv1D", "Conv2D", "Conv3D"):
            names[name] = ConvolutionOfAnyGroups(getattr(keras.layers, name))
        for name in MERGING:
            names[name] = repeating(getattr(keras.layers, name))
    else:
        for name in POOLING:
            names[name] = righted(getattr(keras.layers, name))
    for function in (mish, hard_silu):
        if not hasattr(keras.activations, function.__name__):
            names[function.__name__] = _of_variables(function)


def _of_variables(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """An activation as Keras 2 itself calls it."""

    @functools.wraps(function)
    def activation(x: Any) -> Any:
        answer = function(ops.convert_to_tensor(x))
        return getattr(answer, "variable", answer)

    return activation
