"""Two of our public words, ``convert`` and ``verify``, are also the names of their modules.

Python binds a submodule's name in the package as soon as it is imported, by whomever, so that
``caffe2keras.convert`` is the module however the package defines it. So the module can be called.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

__all__ = ["word_of_its_module"]

Function = TypeVar("Function", bound=Callable[..., Any])


class _Word(ModuleType):
    """A module that does what its function of the same name does."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        return self.__wrapped__(*args, **kwargs)


def word_of_its_module(function: Function) -> Function:
    """Decorate the function that a module stands for: ``caffe2keras.convert(...)`` calls it."""
    module = sys.modules[function.__module__]
    module.__class__ = _Word
    module.__wrapped__ = function  # type: ignore[attr-defined]  # where inspect.signature looks
    return function
