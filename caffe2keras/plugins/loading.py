"""Plugins come from files that the user names, and from installed packages.

A plugin is Python code and runs with all its rights. It runs only because the user asked: by
naming the file, or by installing the package. A model file never makes one run.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import CodeType, ModuleType

from caffe2keras.backend import choose_backend
from caffe2keras.errors import BackendError, Caffe2KerasError, PluginError
from caffe2keras.plugins.checks import check, registries, types_of
from caffe2keras.plugins.definitions import forget_definitions
from caffe2keras.registry import PLUGIN_MODULE, failing_place, is_within, registering, said

__all__ = [
    "ENTRY_POINTS",
    "Plugin",
    "PluginList",
    "forget_plugin",
    "load_installed",
    "load_plugin",
    "loaded_plugins",
    "plugin_list",
    "plugin_of",
    "using_plugins",
    "without_installed",
]

StrPath = str | PathLike[str]

ENTRY_POINTS = "caffe2keras.plugins"


@dataclass(frozen=True)
class Plugin:
    """A plugin that is loaded.

    Attributes:
        name: of its file, or of its module where that is importable.
        sha256: of its source; "" where it has none.
        path: of the file; "" for a module.
        module: what Python calls it, or the package that an installed one is in.
        types: the Caffe types that it maps.
    """

    name: str
    sha256: str
    path: str
    module: str
    types: tuple[str, ...]


class _Loaded:
    """What this process has loaded; a module's rows are in the registries."""

    files: dict[Path, Plugin] = {}  # noqa: RUF012  there is one of it
    installed: tuple[Plugin, ...] | None = None
    ignores_installed = False


def load_plugin(path: StrPath) -> Plugin:
    """Load a plugin from its file; from now on every function of this process uses it.

    A file that is loaded already is loaded anew if it has changed.

    Args:
        path: a Python file.

    Raises:
        PluginError: it cannot be read, is no Python, fails, registers nothing, or registers a
            type that it must not. Nothing of it stays then.
    """
    file = Path(path)
    source = _source(file)
    sha256 = hashlib.sha256(source).hexdigest()
    known = _Loaded.files.get(file.resolve())
    if known is not None:
        if known.sha256 == sha256:
            return known
        forget_plugin(known)
    module = _module_name(file)
    with _whole_or_not_at_all(module):
        _execute(file, source, module)
        plugin = Plugin(file.name, sha256, str(file), module, types_of(module))
        check(plugin.name, plugin.path or plugin.module, plugin.module)
    _Loaded.files[file.resolve()] = plugin
    return plugin


def load_installed() -> tuple[Plugin, ...]:
    """Load the plugins of installed packages, once in a process.

    They are the modules that stand in the entry-point group ``caffe2keras.plugins``.

    Raises:
        PluginError: one of them cannot be loaded.
    """
    if _Loaded.ignores_installed:
        return ()
    if _Loaded.installed is None:
        points = importlib.metadata.entry_points(group=ENTRY_POINTS)
        ordered = sorted(points, key=lambda point: (point.name, point.value))
        _Loaded.installed = tuple(_load_entry_point(point) for point in ordered)
    return _Loaded.installed


def loaded_plugins() -> tuple[Plugin, ...]:
    """The plugins that were loaded from files."""
    return tuple(_Loaded.files.values())


def forget_plugin(plugin: Plugin) -> None:
    """Undo the loading of a plugin's file; Keras keeps the classes that it has registered."""
    _forget_module(plugin.module)
    # By module, not by path: that may be relative, and the working folder another one now.
    _Loaded.files = {
        file: one for file, one in _Loaded.files.items() if one.module != plugin.module
    }


@contextmanager
def using_plugins(paths: Iterable[StrPath]) -> Iterator[None]:
    """Load plugins from their files, and forget them at the end."""
    loaded: list[Plugin] = []
    try:
        for path in paths:
            known = Path(path).resolve() in _Loaded.files
            plugin = load_plugin(path)
            loaded += [] if known else [plugin]
        yield
    finally:
        for plugin in loaded:
            forget_plugin(plugin)


@contextmanager
def without_installed() -> Iterator[None]:
    """Leave installed plugins alone."""
    before, _Loaded.ignores_installed = _Loaded.ignores_installed, True
    try:
        yield
    finally:
        _Loaded.ignores_installed = before


@dataclass(frozen=True)
class PluginList:
    """What another process must load to do what this one does; it can be pickled.

    Attributes:
        files: absolute paths.
        installed: whether installed plugins are used.
    """

    files: tuple[str, ...]
    installed: bool

    def load(self) -> None:
        """Load them, for instance as the initializer of a pool of processes."""
        _Loaded.ignores_installed = not self.installed
        for file in self.files:
            load_plugin(file)


def plugin_list() -> PluginList:
    """What this process has loaded."""
    return PluginList(tuple(map(str, _Loaded.files)), not _Loaded.ignores_installed)


def plugin_of(module: str) -> Plugin:
    """The plugin that a module is part of."""
    for plugin in (*_Loaded.files.values(), *(_Loaded.installed or ())):
        if is_within(module, plugin.module):
            return plugin
    # registered by the decorators alone, in a program or a notebook
    return Plugin(module, _sha256_of_module(module), "", module, types_of(module))


def _source(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as cause:
        raise PluginError(
            what=f"the plugin {file} cannot be read: {(cause.strerror or str(cause)).lower()}",
            hint="--plugin takes a Python file" if file.is_dir() else "",
        ) from cause


def _module_name(file: Path) -> str:
    # Two files of one name are two plugins.
    place = hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:8]
    stem = re.sub(r"\W", "_", file.stem)
    return f"{PLUGIN_MODULE}{stem}_{place}"


@contextmanager
def _whole_or_not_at_all(module: str) -> Iterator[None]:
    registries()  # ours are filled by now, and will not be taken for the plugin's
    try:
        with registering(module):
            yield
    except BaseException:
        _forget_module(module)
        raise


def _execute(file: Path, source: bytes, name: str) -> None:
    """Run a plugin's code as a module of its own."""
    _prepare_keras()
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module
    try:
        exec(_compiled(source, file), module.__dict__)
    except Caffe2KerasError:
        raise
    except (Exception, SystemExit) as error:
        raise _fails(file.name, error, failing_place(error, str(file))) from error


def _compiled(source: bytes, file: Path) -> CodeType:
    try:
        return compile(source, str(file), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise _no_python(file, error.msg, f"{file}:{error.lineno}") from error
    except ValueError as error:  # null bytes
        raise _no_python(file, str(error), str(file)) from error


def _no_python(file: Path, why: str, where: str) -> PluginError:
    return PluginError(what=f"the plugin {file.name} is no Python: {why}", where=where)


def _prepare_keras() -> None:
    """Choose a backend, for a plugin that imports Keras at once; Keras itself may choose amiss."""
    try:
        choose_backend()
    except BackendError:
        return  # without a backend nothing is chosen, and a plugin that needs none can still load


def _fails(name: str, error: BaseException, where: str) -> PluginError:
    return PluginError(
        what=f"the plugin {name} cannot be loaded: {said(error)}",
        where=where,
        why="its own code raises this",
        hint="--debug shows the whole traceback",
    )


def _load_entry_point(point: importlib.metadata.EntryPoint) -> Plugin:
    package = point.dist.name if point.dist is not None else point.name
    hint = f"--no-plugins goes without installed plugins; pip uninstall {package} removes this one"
    # Neighbours of the module that the program itself has imported before are of the plugin, too.
    home = point.module.rpartition(".")[0] or point.module
    with _whole_or_not_at_all(point.module):
        try:
            point.load()
        except Caffe2KerasError:
            raise
        except (Exception, SystemExit) as error:
            raise PluginError(
                what=f"the installed plugin {point.module} cannot be loaded: {said(error)}",
                where=f'entry point "{point.name}" of {package}',
                hint=hint,
            ) from error
        sha256 = _sha256_of_module(point.module)
        plugin = Plugin(point.module, sha256, "", home, types_of(home))
        check(plugin.name, plugin.path or plugin.module, plugin.module)
    return plugin


def _sha256_of_module(name: str) -> str:
    file = getattr(sys.modules.get(name), "__file__", None)
    if not file or not Path(file).is_file():
        return ""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def _forget_module(module: str) -> None:
    for registry in registries():
        registry.forget(module)
    forget_definitions(module)
    if module.startswith(PLUGIN_MODULE):
        sys.modules.pop(module, None)
