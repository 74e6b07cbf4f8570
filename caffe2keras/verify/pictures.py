"""From a blob back to the picture that a model with baked-in preprocessing makes it of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from caffe2keras.record import InputRecord, Record

__all__ = ["picture_of"]

Array = npt.NDArray[Any]


def picture_of(
    blob: Array,
    entry: InputRecord,
    record: Record,
    weights_of: Callable[[str], Sequence[Array]],
) -> Array:
    """What the model must be fed so that its own layers make this blob of it.

    Args:
        blob: (N, C, H, W) in Caffe's axis order.
        entry: the input.
        record: the file's, which names the layers that prepare a picture.
        weights_of: what a layer holds, by its name; that is undone, not what it should hold.

    Returns:
        The picture in Caffe's axis order; the blob itself where nothing is baked in.
    """
    steps = record.preprocessing
    if steps is None or not steps.layers or steps.blob != entry.blob:
        return blob
    convolution, *image = (weights_of(name) for name in steps.layers)
    kernel, *bias = (np.asarray(array, np.float64) for array in convolution)
    offset = bias[0][:, None, None] if bias else np.zeros(())
    for (beta,) in image:
        offset = offset + entry.layout.to_caffe(np.asarray(beta, np.float64)[None])
    # The kernel is (1, 1, in, out): each channel of the blob comes from one of the picture's.
    back = np.linalg.inv(kernel[0, 0])
    picture: Array = np.einsum("nohw,oi->nihw", blob - offset, back)
    return picture
