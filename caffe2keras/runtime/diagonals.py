"""The run of a two-dimensional recurrence, one anti-diagonal of the image after the other.

The pixel (y, x) needs what its neighbours (y - 1, x) and (y, x - 1) put out; both lie on the
diagonal y + x - 1. So all pixels of a diagonal are computed at once, and an image takes H + W - 1
steps instead of H W. To make columns of the diagonals, row y is pushed y places to the right::

    a b c      a b c . .
    d e f  ->  . d e f .
    g h i      . . g h i
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from caffe2keras.runtime.dialect import keras, ops
from caffe2keras.runtime.through_time import Tensor, run_through_time

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["PixelStep", "run_along_diagonals", "skew", "unskew"]

# (z, h above, h to the left, c above, c to the left) -> (h, c)
PixelStep: TypeAlias = """Callable[
    [Tensor, Tensor, Tensor, Tensor, Tensor],
    tuple[Tensor, Tensor],
]"""


def run_along_diagonals(
    step: PixelStep, driven: Tensor, inside: Tensor, units: int, *, unroll: bool = False
) -> tuple[Tensor, Tensor]:
    """Scan images from their upper left pixel to their lower right one.

    Args:
        step: the cell; all it is given has the axes (K, N, H, features).
        driven: what the input alone contributes, (K, N, H, W, F), for K scans of N images.
        inside: (K, N, H, W, 1), 0 where a pixel counts as outside of its image: it puts out
            zeros, and zeros are what its neighbours see.
        units: U.
        unroll: whether to write the steps out; H and W must be known.

    Returns:
        h and c, (K, N, H, W, U) each.

    Raises:
        ValueError: H or W is unknown where it must be known.
    """
    _check_sizes(driven, unroll)
    width = ops.shape(driven)[3]
    # One sequence, not two: over two, TensorFlow's scan must know the number of steps.
    skewed = ops.transpose(skew(ops.concatenate([driven, inside], axis=-1)), (0, 3, 1, 2, 4))
    zeros = ops.zeros((*ops.shape(driven)[:3], units), dtype=driven.dtype)

    def advance(slices: list[Tensor], before: list[Tensor]) -> list[Tensor]:
        z, valid = slices[0][..., :-1], slices[0][..., -1:]
        h, c = before
        after = step(z, _from_above(h), h, _from_above(c), c)
        # Beyond the right edge too, lest a cell without bounds should overflow there.
        return [ops.where(valid > 0, one, ops.zeros_like(one)) for one in after]

    _, (h, c) = run_through_time(advance, [skewed], [zeros, zeros], None, unroll=unroll)
    h, c = (unskew(ops.transpose(one, (0, 2, 3, 1, 4)), width) for one in (h, c))
    return h, c


def skew(x: Tensor) -> Tensor:
    """Push row y of (K, N, H, W, F) to the right by y, zeros around: (K, N, H, H + W - 1, F).

    Rows that are H longer, cut anew into rows that are H - 1 longer, begin one place later each.
    """
    k, n, height, width, features = ops.shape(x)
    margin = ops.zeros((k, n, height, height, features), dtype=x.dtype)
    flat = ops.reshape(ops.concatenate([x, margin], axis=3), (k, n, -1, features))
    diagonals = height + width - 1
    return ops.reshape(flat[:, :, : height * diagonals], (k, n, height, diagonals, features))


def unskew(x: Tensor, width: int | Tensor) -> Tensor:
    """Take the image back out of :func:`skew`: (K, N, H, W, F)."""
    k, n, height, _, features = ops.shape(x)
    flat = ops.reshape(x, (k, n, -1, features))
    margin = ops.zeros((k, n, height, features), dtype=x.dtype)
    flat = ops.concatenate([flat, margin], axis=2)
    return ops.reshape(flat, (k, n, height, height + width, features))[:, :, :, :width]


def _from_above(state: Tensor) -> Tensor:
    """Each row's state from the row above it; zeros for the first."""
    return ops.concatenate([ops.zeros_like(state[:, :, :1]), state[:, :, :-1]], axis=2)


def _check_sizes(driven: Tensor, unroll: bool) -> None:
    # OpenVINO's scan is written out, whatever is asked for.
    must_know = unroll or keras.backend.backend() == "openvino"
    if must_know and None in driven.shape[2:4]:
        why = "`unroll=True`" if unroll else "The openvino backend"
        raise ValueError(
            f"{why} needs images of known height and width. Received: shape={driven.shape}"
        )
