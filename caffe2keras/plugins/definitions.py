"""The Keras layers of plugins, defined only when a model is loaded: converting needs no Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from caffe2keras.errors import PluginError
from caffe2keras.registry import failing_place, is_within, owner_of, plugin_name, said, source_file

__all__ = ["define_keras_layers", "forget_definitions", "has_definitions", "keras_layers"]

Definition = TypeVar("Definition", bound=Callable[[], Any])

# Each with the module that it comes from.
_DEFINITIONS: dict[Callable[[], Any], str] = {}
_RUN: set[Callable[[], Any]] = set()


def keras_layers(define: Definition) -> Definition:
    """Register a function that imports Keras and defines and registers a plugin's layers.

    It is called, once, before a model is loaded; what it returns does not matter, since Keras
    itself keeps the classes that ``keras.saving.register_keras_serializable`` decorates.
    """
    _DEFINITIONS[define] = owner_of(define)
    return define


def define_keras_layers() -> None:
    """Run what has not run yet; Keras is imported already.

    Raises:
        PluginError: a plugin's function fails.
    """
    for define in [one for one in _DEFINITIONS if one not in _RUN]:
        _run(define)
        _RUN.add(define)


def has_definitions(module: str) -> bool:
    """Whether a module, or one below it, has Keras layers."""
    return any(is_within(owner, module) for owner in _DEFINITIONS.values())


def forget_definitions(module: str) -> None:
    """Forget those of a module and of those below it; Keras keeps the classes."""
    for define in [one for one, owner in _DEFINITIONS.items() if is_within(owner, module)]:
        del _DEFINITIONS[define]
        _RUN.discard(define)


def _run(define: Callable[[], Any]) -> None:
    try:
        define()
    except Exception as error:
        raise PluginError(
            what=f"the plugin {plugin_name(_DEFINITIONS[define])} cannot define its Keras layers: "
            f"{said(error)}",
            where=failing_place(error, source_file(define)),
            why=f"its function {define.__qualname__} raises this",
            hint="--debug shows the whole traceback",
        ) from error
