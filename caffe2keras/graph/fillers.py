"""How Caffe fills a learned array that no file holds (filler.hpp).

The random fillers draw from a generator seeded by layer name and blob index: the same net gives
the same numbers each time, and a layer's numbers do not depend on its neighbours.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import ShapeError
from caffe2keras.foreign import written
from caffe2keras.graph.net import Layer, Shape, Weight
from caffe2keras.params import Params
from caffe2keras.read.textformat import parse_text

__all__ = ["Filling", "filling_of"]

Array = npt.NDArray[np.float32]
# A string, for numpy.random takes 5 ms to import and most nets have nothing to be filled.
Filler: TypeAlias = "Callable[[Params, Shape, np.random.Generator], Array]"


@dataclass(frozen=True)
class Filling:
    """How one array is to be filled.

    Attributes:
        kind: the filler's type.
        text: the same for a reader, as "constant 0.25".
        params: the FillerParameter, or None for a bare constant.
        value: what a bare constant is.
        explicit: whether the prototxt says so itself.
    """

    kind: str
    text: str
    params: Params | None
    value: float = 0.0
    explicit: bool = False

    @property
    def is_random(self) -> bool:
        """Whether the numbers are drawn, so that a trained net cannot have meant them."""
        return self.kind not in ("constant", "bilinear")

    def fill(self, weight: Weight) -> Array:
        """The numbers for one array, float32, in its shape.

        Raises:
            ShapeError: the filler does not suit an array of this shape.
        """
        if self.params is None:
            return np.full(weight.shape, self.value, np.float32)
        seed = zlib.crc32(f"{weight.owner}/{weight.index}".encode())
        rng = np.random.default_rng(seed)
        return _FILLERS.get(self.kind, _xavier)(self.params, weight.shape, rng)


def filling_of(layer: Layer, place: int) -> Filling:
    """How the array at this place among a layer's own is filled."""
    stated, default = _stated(layer, place)
    if stated is None:
        return Filling("constant", f"constant {default:g}", None, default)
    kind = stated.type
    text = f"constant {stated.value:g}" if kind == "constant" else kind
    if kind not in _FILLERS:
        text = f"xavier, for Caffe has no filler {kind}"
    return Filling(kind, text, stated, explicit=True)


# For types whose arrays are not a weight and a bias: the parameter, then for each array the field
# of its filler and the constant that stands in for it (scale_layer.cpp, prelu_layer.cpp,
# batch_norm_layer.cpp; SSD's normalize_layer.cpp). Caffe starts a BatchNorm with all zeros, which
# would divide by sqrt(eps); mean 0, variance 1 and factor 1 make an untrained one the identity.
_FIELDS: Mapping[str, tuple[str, tuple[tuple[str, float], ...]]] = {
    "Scale": ("scale_param", (("filler", 1.0), ("bias_filler", 0.0))),
    "Bias": ("bias_param", (("filler", 0.0),)),
    "PReLU": ("prelu_param", (("filler", 0.25),)),
    "Normalize": ("norm_param", (("scale_filler", 1.0),)),
    "BatchNorm": (
        "batch_norm_param",
        (("", 0.0), ("", 1.0), ("", 1.0), ("scale_filler", 1.0), ("bias_filler", 0.0)),
    ),
}


def _stated(layer: Layer, place: int) -> tuple[Params | None, float]:
    """The filler that the prototxt states, and the constant where it states none."""
    if layer.type not in _FIELDS:
        return _weight_or_bias(layer, place), 0.0
    parameter, fields = _FIELDS[layer.type]
    if layer.type == "Scale" and len(layer.bottoms) == 2:
        fields = fields[1:]  # the factor is the second bottom; only the bias is learned
    field, default = fields[place] if place < len(fields) else ("", 0.0)
    params = getattr(layer.params.fresh(), parameter)
    return (getattr(params, field), default) if field and params.has(field) else (None, default)


def _weight_or_bias(layer: Layer, place: int) -> Params | None:
    # Convolutions, inner products, embeddings and recurrent layers alike, forks' included: a
    # vector that does not come first is a bias.
    rank = len(layer.weights[place].shape)
    field = "bias_filler" if place and rank == 1 else "weight_filler"
    for descriptor, message in layer.params.message.ListFields():
        if descriptor.name.endswith("_param") and hasattr(message, field):
            params = getattr(layer.params.fresh(), descriptor.name)
            return getattr(params, field) if params.has(field) else None
    return _foreign_filler(layer, field)


def _foreign_filler(layer: Layer, field: str) -> Params | None:
    """The filler in a message that only a plugin knows."""
    kept = [(one.path, one.value) for one in layer.params.message.unknown_field]
    for part in (part for trees in written(kept) for tree in trees for part in tree.parts):
        if part.name == field and part.kind == "open":
            filler = type(layer.params.fresh().convolution_param.weight_filler.message)()
            parse_text(part.text[1:-1], filler, layer.where)
            return Params(filler)
    return None


def _constant(p: Params, shape: Shape, rng: np.random.Generator) -> Array:
    return np.full(shape, p.value, np.float32)


def _uniform(p: Params, shape: Shape, rng: np.random.Generator) -> Array:
    return _between(p.min, p.max, shape, rng)


def _gaussian(p: Params, shape: Shape, rng: np.random.Generator) -> Array:
    numbers = _normal(p.mean, p.std, shape, rng)
    if p.sparse >= 0:
        numbers *= rng.random(shape, np.float32) < p.sparse / shape[0]
    return numbers


def _positive_unitball(p: Params, shape: Shape, rng: np.random.Generator) -> Array:
    numbers = rng.random(shape, np.float32)
    sums: Array = numbers.reshape(shape[0], -1).sum(axis=1)
    return numbers / sums.reshape(-1, *[1] * (len(shape) - 1))


def _xavier(p: Params, shape: Shape, rng: np.random.Generator) -> Array:
    bound = math.sqrt(3 / _fan(p, shape))
    return _between(-bound, bound, shape, rng)


def _msra(p: Params, shape: Shape, rng: np.random.Generator) -> Array:
    return _normal(0.0, math.sqrt(2 / _fan(p, shape)), shape, rng)


def _bilinear(p: Params, shape: Shape, rng: np.random.Generator) -> Array:
    if len(shape) != 4 or shape[2] != shape[3]:
        raise ShapeError(
            what=f"a bilinear filler cannot fill an array of shape {shape}",
            why="it makes square kernels (filler.hpp: BilinearFiller)",
        )
    half = math.ceil(shape[3] / 2)
    center = (shape[3] - 1) / (2 * half)
    ramp = 1 - np.abs(np.arange(shape[3]) / half - center)
    return np.broadcast_to(np.outer(ramp, ramp), shape).astype(np.float32)


_FILLERS: Mapping[str, Filler] = {
    "constant": _constant,
    "uniform": _uniform,
    "gaussian": _gaussian,
    "positive_unitball": _positive_unitball,
    "xavier": _xavier,
    "msra": _msra,
    "bilinear": _bilinear,
}


def _between(low: float, high: float, shape: Shape, rng: np.random.Generator) -> Array:
    numbers = rng.random(shape, np.float32)
    numbers *= np.float32(high - low)
    numbers += np.float32(low)
    return numbers


def _normal(mean: float, std: float, shape: Shape, rng: np.random.Generator) -> Array:
    numbers = rng.standard_normal(shape, np.float32)
    numbers *= np.float32(std)
    numbers += np.float32(mean)
    return numbers


def _fan(p: Params, shape: Shape) -> float:
    count = math.prod(shape)
    fan_in = count // shape[0]
    fan_out = count // shape[1] if len(shape) > 1 else count
    fans = {"FAN_IN": fan_in, "FAN_OUT": fan_out, "AVERAGE": (fan_in + fan_out) / 2}
    return fans[p.variance_norm]
