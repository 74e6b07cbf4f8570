"""The weight lists of the MarcBS fork of Keras 1, in our order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["check_fork_version", "fuse_gates"]


def fuse_gates(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The fork's twelve arrays of single gates as its three fused ones.

    Args:
        arrays: W, U, b of the gates i, c, f, o, in this order (the forget gate comes third).

    Returns:
        W (D, 4 H), U (H, 4 H), b (4 H), in blocks i, f, c, o.
    """
    gates = [arrays[first : first + 3] for first in range(0, 12, 3)]
    order = [gates[0], gates[2], gates[1], gates[3]]
    return [np.concatenate([gate[part] for gate in order], axis=-1) for part in range(3)]


def check_fork_version(version: str, known: Sequence[str], layer: str) -> None:
    """Refuse a version of the fork that has no such layer, or one that cannot run."""
    if version not in known:
        raise ValueError(
            f"`version` must be one of {tuple(known)} for {layer}. Received: version={version!r}"
        )
