"""What a plugin has registered, and whether it could ever work."""

from __future__ import annotations

from typing import Any

from caffe2keras.errors import PluginError
from caffe2keras.plugins.definitions import has_definitions
from caffe2keras.registry import Registry, is_within

__all__ = ["check", "registries", "types_of"]


def registries() -> tuple[Registry[Any], Registry[Any], Registry[Any]]:
    """The tables of mappings, shape rules and oracle functions, ours in them."""
    # Not before: the rooms that have them know the one that loads plugins.
    from caffe2keras.layer_map.registry import ENTRIES
    from caffe2keras.shapes.registry import RULES
    from caffe2keras.verify.oracle.registry import FUNCTIONS

    return ENTRIES, RULES, FUNCTIONS


def types_of(module: str) -> tuple[str, ...]:
    """The Caffe types that a module, or one below it, maps."""
    return _kinds(registries()[0], module)


def check(name: str, where: str, module: str) -> None:
    """Refuse what could never work, before a net is read.

    Args:
        name: of the plugin.
        where: its file or module, for messages.
        module: what has registered.

    Raises:
        PluginError: it registers nothing, a mapping without a shape rule, or one for a type that
            never comes to a mapping.
    """
    tables = registries()
    if not any(_kinds(table, module) for table in tables) and not has_definitions(module):
        raise PluginError(
            what=f"the plugin {name} registers nothing",
            where=where,
            why="none of its functions is decorated with @maps, @infers, @computes, @keras_layers",
            hint="CONTRIBUTING.md shows a whole plugin",
        )
    for kind in types_of(module):
        if kind not in tables[1]:
            raise PluginError(
                what=f"the plugin {name} maps {kind} and has no shape rule for it",
                where=where,
                why="without the shapes of its tops nothing behind the layer can be converted",
                hint=f'decorate a function with @infers("{kind}")',
            )
        _refuse_what_is_never_mapped(kind, name, where)


def _kinds(table: Registry[Any], module: str) -> tuple[str, ...]:
    return tuple(kind for kind in table if is_within(table.origin(kind), module))


def _refuse_what_is_never_mapped(kind: str, name: str, where: str) -> None:
    from caffe2keras.layer_map.support import is_settled_before

    if is_settled_before(kind):
        raise PluginError(
            what=f"the plugin {name} maps {kind}, and no mapping is ever asked for that",
            where=where,
            why="what feeds a net, copies blobs or only measures is settled before the mappings",
            hint="map another type",
        )
