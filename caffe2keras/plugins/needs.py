"""Which plugins a converted model needs: written into its file, and asked for when it is loaded."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

from caffe2keras.errors import PluginError
from caffe2keras.graph.net import Layer, Net
from caffe2keras.layer_map.registry import ENTRIES
from caffe2keras.plugins.definitions import define_keras_layers
from caffe2keras.plugins.loading import load_installed, plugin_of
from caffe2keras.provenance import PluginRecord
from caffe2keras.spec import KerasModel

if TYPE_CHECKING:
    from caffe2keras.record import Record

__all__ = ["changed_plugins", "plugins_of", "provide_keras_layers"]


def plugins_of(net: Net, model: KerasModel) -> tuple[PluginRecord, ...]:
    """The plugins that have mapped a layer of this net.

    Args:
        net: as it was mapped.
        model: what became of it.
    """
    names: dict[str, list[str]] = {}
    for layer in (part for whole in net.layers for part in (whole, *whole.absorbed)):
        origin = _origin(layer)
        if origin:
            names.setdefault(origin, []).append(layer.name)
    return tuple(_record(origin, set(layers), model) for origin, layers in sorted(names.items()))


def _origin(layer: Layer) -> str:
    return ENTRIES.origin(layer.type)


def _record(origin: str, caffe_layers: set[str], model: KerasModel) -> PluginRecord:
    plugin = plugin_of(origin)
    classes = {
        named.layer.class_name for named in model.layers if named.caffe_layer in caffe_layers
    }
    own = tuple(sorted(name for name in classes if ">" in name and not _is_ours(name)))
    return PluginRecord(plugin.name, plugin.sha256, own)


def _is_ours(class_name: str) -> bool:
    return class_name.startswith("caffe2keras>")


def provide_keras_layers(keras: Any, record: Record | None, path: str | PathLike[str]) -> None:
    """Let Keras know the layers of all plugins that are loaded or installed.

    Args:
        keras: the module.
        record: the file's; None for one that Keras has saved anew.
        path: the file, for messages.

    Raises:
        PluginError: the file needs a plugin that is not there.
    """
    if record is None or record.plugins:
        load_installed()
    define_keras_layers()
    for plugin in record.plugins if record is not None else ():
        for name in plugin.layers:
            if keras.saving.get_registered_object(name) is None:
                raise _missing(plugin, name, path)


def _missing(plugin: PluginRecord, layer: str, path: str | PathLike[str]) -> PluginError:
    hint = f"install the package that has the module {plugin.name}, or import it before load_model"
    if plugin.name.endswith(".py"):
        given = f'caffe2keras.load_plugin("{plugin.name}")'
        hint = f"--plugin {plugin.name}, or {given} before load_model"
    elif plugin.name == "__main__":
        hint = "run the code that registered it before load_model, or put it into a file"
    return PluginError(
        what=f"{path} needs the plugin {plugin.name}, which is not loaded",
        why=f"the model has a layer {layer}, which that plugin defines",
        hint=hint,
    )


def changed_plugins(record: Record) -> tuple[str, ...]:
    """What a user should know of plugins that are others now than at the conversion."""
    current = {
        plugin.name: plugin.sha256
        for plugin in (plugin_of(ENTRIES.origin(kind)) for kind in ENTRIES if ENTRIES.origin(kind))
    }
    return tuple(
        f"{plugin.name} is not the plugin that the model was converted with, but a changed one"
        for plugin in record.plugins
        if current.get(plugin.name, plugin.sha256) != plugin.sha256
    )
