"""OpenCV's dnn, which reads Caffe's nets with code of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import InputError
from caffe2keras.graph.net import Net

__all__ = ["forward", "imported"]

Array = npt.NDArray[Any]


def imported() -> Any:
    """The module cv2, or None where there is none that reads Caffe's nets."""
    try:
        import cv2
    except ImportError:
        return None
    return cv2 if hasattr(cv2, "dnn") and hasattr(cv2.dnn, "readNetFromCaffe") else None


def forward(
    cv2: Any, prototxt: Path, weights: Path | None, net: Net, inputs: Mapping[str, Array]
) -> dict[str, Array]:
    """The blobs that OpenCV computes, under Caffe's names.

    OpenCV knows layers, not blobs: a layer's first top is called like the layer, others by
    number. A blob is what the last layer that writes it gives. Nothing is fused, so that every
    layer's answer is its own. Shapes are OpenCV's: where it has another one for a blob than Caffe,
    but as many numbers, they are put into Caffe's.

    Args:
        cv2: the module.
        prototxt: the net.
        weights: its numbers.
        net: the same net, as we read it, to tell which layer writes which blob.
        inputs: what is fed, float32.

    Raises:
        InputError: OpenCV cannot read or compute it.
    """
    try:
        dnn = cv2.dnn.readNetFromCaffe(str(prototxt), "" if weights is None else str(weights))
        dnn.enableFusion(False)
        for name, array in inputs.items():
            dnn.setInput(np.ascontiguousarray(array, np.float32), name)
        known = set(dnn.getLayerNames())
        wanted = _wanted(net, known)
        arrays = dnn.forward(list(wanted.values())) if wanted else ()
    except cv2.error as error:
        raise InputError(
            what="OpenCV cannot compute this net", where=str(prototxt), why=_reason(error)
        ) from error
    shapes = {top.name: top.shape for layer in net.layers for top in layer.tops}
    given = dict(zip(wanted, map(np.asarray, arrays), strict=True))
    return {name: _shaped(array, shapes[name], inputs, net) for name, array in given.items()}


def _wanted(net: Net, known: set[str]) -> dict[str, str]:
    """Blob -> what OpenCV calls it, for those that its net has."""
    wanted: dict[str, str] = {}
    for layer in net.layers:
        for part in (layer, *layer.absorbed):
            if part.type == "Input" or part.name not in known:
                continue
            for index, top in enumerate(part.tops):
                wanted[top.name] = part.name if index == 0 else f"{part.name}.{index}"
    return wanted


def _shaped(array: Array, shape: tuple[int, ...], inputs: Mapping[str, Array], net: Net) -> Array:
    declared = {blob.name: blob.shape for blob in net.inputs}
    as_declared = all(array.shape == declared[name] for name, array in inputs.items())
    fits = as_declared and array.size == int(np.prod(shape, dtype=np.int64))
    return array.reshape(shape) if fits else array


def _reason(error: Exception) -> str:
    """The sentence of OpenCV's that says something, without the place in its source."""
    text = str(getattr(error, "err", "") or error)
    return " ".join(text.split()) or "it does not say why"
