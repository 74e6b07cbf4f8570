"""Tops, the functions that make them, and the nets that they add up to.

A call such as ``layers.Pooling(bottom, kernel_size=2)`` makes a :class:`Function` and returns its
:class:`Top`. Nothing is named before :func:`to_proto` walks from the tops asked for to their
bottoms: a top that a NetSpec holds is called as there, any other by its type and a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from caffe2keras.errors import NetSpecError
from caffe2keras.netspec.fields import set_parameters
from caffe2keras.proto.caffe_pb2 import LayerParameter, NetParameter

__all__ = ["Function", "Layers", "NetSpec", "Top", "layers", "to_proto"]


class Top:
    """One blob that a function makes.

    Args:
        fn: the function.
        n: which of its tops, from 0.
    """

    def __init__(self, fn: Function, n: int) -> None:
        self.fn = fn
        self.n = n

    def to_proto(self) -> NetParameter:
        """The net of all layers that this top needs."""
        return to_proto(self)


class Function:
    """A layer: its type, its inputs and its parameters.

    Args:
        type_name: Caffe's type.
        inputs: the tops that it reads.
        params: its parameters; ``ntop`` (1) and ``in_place`` (False) are taken out of them.

    Raises:
        NetSpecError: an input is no Top.
    """

    def __init__(self, type_name: str, inputs: tuple[Top, ...], params: dict[str, Any]) -> None:
        self.type_name = type_name
        for index, given in enumerate(inputs):
            if not isinstance(given, Top):
                raise _no_top(type_name, index, given)
        self.inputs = inputs
        self.params = params
        self.ntop: int = params.pop("ntop", 1)
        self.in_place: bool = params.pop("in_place", False)
        self.tops = tuple(Top(self, n) for n in range(self.ntop))

    def to_proto(self) -> NetParameter:
        """The net of this layer and all that it needs."""
        return to_proto(self)


class NetSpec:
    """A net under construction: names and their tops, in order of their first assignment.

    ``n.conv = top``, ``n["conv"]`` and ``n.tops`` (the dictionary) are pycaffe's. A top whose name
    was given to another stays in the net if something reads it, and loses its name.
    """

    tops: dict[str, Any]

    def __init__(self) -> None:
        super().__setattr__("tops", {})

    def __setattr__(self, name: str, value: Any) -> None:
        self.tops[name] = value

    def __getattr__(self, name: str) -> Any:
        # Only what is no attribute comes here, so the blobs can have all names but a few.
        if name.startswith("__"):
            raise AttributeError(name)
        if name in self.tops:
            return self.tops[name]
        if name in _OF_SSD:
            return _OF_SSD[name].__get__(self)
        raise NetSpecError(
            what=f'nothing is called "{name}" in this NetSpec',
            why=f"it has {', '.join(self.tops) or 'nothing yet'}",
        )

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __getitem__(self, name: str) -> Any:
        return self.tops[name] if name in self.tops else getattr(self, name)

    def __delitem__(self, name: str) -> None:
        del self.tops[name]

    def to_proto(self) -> NetParameter:
        """The net of all layers that the tops need, in order of assignment.

        Raises:
            NetSpecError: a value is no Top, or a layer's parameter does not exist or fit.
        """
        for name, top in self.tops.items():
            if not isinstance(top, Top | Function):
                raise _not_assignable(name, top)
        return _net(self.tops.values(), {top: name for name, top in self.tops.items()})


def _keys(spec: NetSpec) -> list[str]:
    return list(spec.tops)


def _vals(spec: NetSpec) -> list[Any]:
    return list(spec.tops.values())


def _update(spec: NetSpec, name: str, params: dict[str, Any]) -> None:
    """Change parameters of the layer that made a top."""
    spec[name].fn.params.update(params)


# Methods of NetSpec in SSD's fork. Blobs may have these names all the same, as in BVLC's Caffe.
_OF_SSD: dict[str, Callable[..., Any]] = {"keys": _keys, "vals": _vals, "update": _update}


class Layers:
    """Makes layers by type: ``Layers().Convolution(bottom, kernel_size=3)`` is a Top.

    With ``ntop`` it is a tuple of them, with ``ntop=0`` the Function itself.
    """

    def __getattr__(self, type_name: str) -> Callable[..., Any]:
        if type_name.startswith("__"):
            raise AttributeError(type_name)

        def layer(*inputs: Top, **params: Any) -> Any:
            fn = Function(type_name, inputs, params)
            if fn.ntop == 0:
                return fn
            return fn.tops[0] if fn.ntop == 1 else fn.tops

        return layer


layers = Layers()


def to_proto(*tops: Top | Function) -> NetParameter:
    """The net of all layers that these tops need, with names made up for all blobs.

    Raises:
        NetSpecError: a layer's parameter does not exist or fit.
    """
    return _net(tops, {})


def _net(tops: Iterable[Top | Function], names: dict[Top | Function, str]) -> NetParameter:
    writer = _Writer(names)
    for top in tops:
        writer.add(top.fn if isinstance(top, Top) else top)
    net = NetParameter()
    net.layer.extend(writer.layers.values())
    return net


class _Writer:
    """The layers of a net as they are named and written, bottoms first."""

    def __init__(self, names: dict[Top | Function, str]) -> None:
        self.layers: dict[Function, LayerParameter] = {}
        self._names = names
        self._made_up: Counter[str] = Counter()

    def add(self, fn: Function) -> None:
        """Write a layer behind all that it needs, unless it stands there already.

        A loop and not a recursion: an LSTM of 300 steps is a chain of thousands of layers.
        """
        waiting = [fn]
        while waiting:
            current = waiting[-1]
            needed = [top.fn for top in current.inputs if top.fn not in self.layers]
            waiting.extend(reversed(needed))
            if not needed:
                self._write(waiting.pop())

    def _write(self, fn: Function) -> None:
        if fn in self.layers:
            return
        layer = LayerParameter(type=fn.type_name)
        layer.bottom.extend(self.layers[top.fn].top[top.n] for top in fn.inputs)
        layer.top.extend(layer.bottom if fn.in_place else (self._name(top) for top in fn.tops))
        # A layer is called as its first top, whether or not that is its own name in Caffe.
        layer.name = self._name(fn.tops[0] if fn.tops else fn)
        set_parameters(layer, fn.params)
        self.layers[fn] = layer

    def _name(self, what: Top | Function) -> str:
        if what not in self._names:
            kind = what.fn.type_name if isinstance(what, Top) else what.type_name
            self._made_up[kind] += 1
            self._names[what] = f"{kind}{self._made_up[kind]}"
        return self._names[what]


def _no_top(type_name: str, index: int, given: object) -> NetSpecError:
    hint = ""
    if isinstance(given, tuple):
        hint = "the layer before has several tops: take one, as tops[0]"
    return NetSpecError(
        what=f"{type_name} input {index} is not a Top (type is {type(given)})", hint=hint
    )


def _not_assignable(name: str, value: object) -> NetSpecError:
    hint = ""
    if isinstance(value, tuple):
        hint = f"a layer with several tops needs as many names: n.{name}, n.other = ..."
    return NetSpecError(what=f'"{name}" is not a Top (type is {type(value)})', hint=hint)
