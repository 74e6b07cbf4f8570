"""Names of layers as names of variables."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

__all__ = ["Identifiers", "kind_word"]

_LONGEST = 40

# Names that look like numbers.
_AMBIGUOUS = frozenset({"l", "O", "I"})
_TAKEN = frozenset(
    {
        *keyword.kwlist,
        *keyword.softkwlist,
        *dir(builtins),
        *_AMBIGUOUS,
        "keras",
        "Path",
        "build",
        "x",
    }
)


def kind_word(class_name: str) -> str:
    """What a person calls a layer of this kind: ``conv`` for ``Conv2D``."""
    name = class_name.rpartition(">")[2]
    word = re.sub(r"\d+D.*$", "", name).lower()
    return re.sub(r"(max|average)(?=pooling)|(?<=pool)ing", "", word) or "layer"


class Identifiers:
    """Hands out names that Python takes for variables, each once."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken = {*_TAKEN, *reserved}

    def of(self, name: str, class_name: str) -> str:
        """The variable for a layer, called like it if that can be; ASCII in any case."""
        wanted = re.sub(r"\W", "_", name, flags=re.ASCII)
        if len(wanted) > _LONGEST or not wanted.strip("_"):
            wanted = kind_word(class_name)
        elif wanted[0].isdigit():
            wanted = f"{kind_word(class_name)}_{wanted}"
        return self.free(wanted)

    def free(self, wanted: str) -> str:
        """This name, or the first free one derived from it."""
        candidate, count = wanted, 2
        while candidate in self._taken:
            candidate = f"{wanted}_{count}"
            count += 1
        self._taken.add(candidate)
        return candidate
