"""Types that are not converted, each with the reason and a way out: "no" is an answer too."""

from __future__ import annotations

from types import MappingProxyType

from caffe2keras.errors import UnsupportedError

__all__ = ["REFUSED", "reason_for"]

_CUT = "cut the layer out of the prototxt and do its work outside the model"

# Caffe type -> (why, what to try)
REFUSED = MappingProxyType(
    {
        "Region": ("several forks have it, and each gives something else", _CUT),
        "Python": ("its computation is a Python class that the prototxt only names", _CUT),
    }
)


def reason_for(kind: str) -> UnsupportedError:
    """Why a type is not converted, and what to try."""
    why, hint = REFUSED.get(kind, ("no layer of this type is known here", _CUT))
    return UnsupportedError(what=f'type "{kind}"', why=why, hint=hint)
