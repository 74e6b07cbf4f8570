"""What a page shows beside the verdict: rounding's own share of an error, and how numbers spread.

Nothing here holds a blob: of each one there remains a number, of the worst a few counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from caffe2keras.graph.net import Blob, Net
from caffe2keras.verify.compare import Tolerance, compare
from caffe2keras.verify.oracle import run

__all__ = ["Evidence", "Histogram", "histogram_of", "noise_floors", "worst_histogram"]

Array = npt.NDArray[Any]

_BINS = 49  # an odd number, so that no difference at all has a bin in the middle
_FLT_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Histogram:
    """How the numbers of a blob spread, ours and the truth's, and how far they are apart.

    Attributes:
        blob: Caffe's name.
        edges: of the bins of the values, one more than there are bins.
        expected: how many of the truth's values are in each bin.
        received: how many of ours.
        difference_edges: of the bins of received - expected.
        differences: how many pairs are in each of those.
        left_out: how many pairs are in no bin, because one of the two is not finite, or is Caffe's
            stand-in for minus infinity.
    """

    blob: str
    edges: tuple[float, ...]
    expected: tuple[int, ...]
    received: tuple[int, ...]
    difference_edges: tuple[float, ...]
    differences: tuple[int, ...]
    left_out: int


@dataclass(frozen=True)
class Evidence:
    """Beside a verification's results.

    Attributes:
        floors: blob -> the largest relative error that float32 makes without anybody's fault: the
            oracle's in float32 against its own in float64. None where there is no oracle to ask.
        histogram: of the blob with the largest relative error; None if no blob was compared.
    """

    floors: Mapping[str, float] | None
    histogram: Histogram | None


def noise_floors(
    net: Net, inputs: Mapping[str, Array], expected: Mapping[tuple[str, int], Array]
) -> dict[str, float]:
    """The relative rounding error of each blob that is expected, each measured as it is computed.

    Args:
        net: as the oracle takes it.
        inputs: what was fed.
        expected: the oracle's own blobs in float64, by (name, version).
    """
    floors: dict[str, float] = {}
    exact = Tolerance(0.0, 0.0)

    def measure(blob: Blob, array: Array) -> None:
        truth = expected.get(blob.key)
        # how long a list of detections is may hang on rounding; then there is nothing to measure
        if truth is not None and truth.shape == array.shape:
            floors[blob.name] = compare(array, truth, exact).max_rel

    run(net, inputs, np.float32, keep=lambda blob: False, watch=measure)
    return floors


def worst_histogram(
    compared: Iterable[tuple[str, float, Array, Array]],
) -> Histogram | None:
    """Of the blob with the largest error among (blob, error, received, expected)."""
    worst = max(compared, key=lambda one: one[1], default=None)
    return None if worst is None else histogram_of(worst[0], worst[2], worst[3])


def histogram_of(blob: str, received: Array, expected: Array) -> Histogram:
    """Count two arrays of the same shape."""
    ours, truth = (np.asarray(one, np.float64).ravel() for one in (received, expected))
    usual = np.isfinite(ours) & np.isfinite(truth)
    usual &= (np.abs(ours) < _FLT_MAX) & (np.abs(truth) < _FLT_MAX)
    ours, truth = ours[usual], truth[usual]
    edges = _edges(np.concatenate([ours, truth]))
    differences = ours - truth
    reach = float(np.max(np.abs(differences), initial=0.0))
    difference_edges = _edges(np.array([-reach, reach]))
    return Histogram(
        blob=blob,
        edges=tuple(edges.tolist()),
        expected=_counts(truth, edges),
        received=_counts(ours, edges),
        difference_edges=tuple(difference_edges.tolist()),
        differences=_counts(differences, difference_edges),
        left_out=int(usual.size - usual.sum()),
    )


def _edges(values: Array) -> npt.NDArray[np.float64]:
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    room = max(abs(low), abs(high), 1e-30) * 1e-9
    if high - low <= 2 * room:  # all are equal, and bins need some width
        room = max(abs(low), 1e-30) * 0.5
        low, high = low - room, high + room
    edges = np.linspace(low, high, _BINS + 1)
    return np.asarray(edges, np.float64)


def _counts(values: Array, edges: Array) -> tuple[int, ...]:
    return tuple(int(count) for count in np.histogram(values, edges)[0])
