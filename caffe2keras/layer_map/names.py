"""Names that every Keras accepts, unique, and as close to Caffe's as can be."""

from __future__ import annotations

import re

__all__ = ["NameTable", "keras_name"]

# "/" is forbidden in Keras 3, "." breaks layers with weights on torch, and TensorFlow makes each
# name a scope, for which it takes these characters alone (measured: a space, ":", "|", "+", or a
# letter beyond ASCII fails in predict). In tf.keras 2 a scope begins with a letter or a digit.
_FORBIDDEN = re.compile(r"[^A-Za-z0-9_-]")

# HDF5 keeps a link's name in a message of at most 64 KB; a long name serves nobody.
_LONGEST = 200


def keras_name(name: str, otherwise: str) -> str:
    """A Caffe name with the forbidden characters replaced, and none of them in front.

    Args:
        name: Caffe's name.
        otherwise: what to say where nothing is left of it.
    """
    return _FORBIDDEN.sub("_", name.strip()).lstrip("_-")[:_LONGEST] or otherwise


class NameTable:
    """Hands out names, each once; a second one of the same gets ``_2``, and so on."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}

    def unique(self, name: str) -> str:
        """This name, or the first free one derived from it."""
        candidate = name
        while candidate.casefold() in self._taken:
            count = self._next.get(name, 2)
            self._next[name] = count + 1
            candidate = f"{name}_{count}"
        # TensorFlow tells scopes apart without regard to case.
        self._taken.add(candidate.casefold())
        return candidate
