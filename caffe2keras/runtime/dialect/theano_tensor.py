"""Theano's variables with what Keras 3 tells of a tensor: its shape, as far as it is known.

Theano works shapes out when a function runs. The layers want what is known before: how many
channels there are, whether a window fits. So each variable goes through a layer beside its shape,
a tuple with None for what is not known.
"""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
import theano
from theano import tensor as T  # noqa: N812  # as all of Theano's documentation has it

__all__ = [
    "Tensor",
    "binary",
    "broadcast_shape",
    "of_one_type",
    "raw",
    "scalar_or_raw",
    "wrapped",
]


class Tensor:
    """A Theano variable, and what is known of its shape.

    Args:
        variable: the variable.
        shape: a size for each axis, or None.
    """

    __array_priority__ = 2000.0  # so that NumPy's arrays leave arithmetic to us

    def __init__(self, variable: Any, shape: Sequence[int | None]) -> None:
        ones = [i for i, size in enumerate(shape) if size == 1 and not variable.broadcastable[i]]
        # An axis that is 1 without Theano's knowing would not be broadcast.
        self.variable = T.addbroadcast(variable, *ones) if ones else variable
        self.shape = tuple(None if size is None else int(size) for size in shape)

    @property
    def dtype(self) -> str:
        """The name of the type of the numbers."""
        return str(self.variable.dtype)

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.shape)

    def __getitem__(self, index: Any) -> Tensor:
        places = _explicit(index if isinstance(index, tuple) else (index,), self.ndim)
        sizes: list[int | None] = []
        axis = 0
        for place in places:
            if place is None:
                sizes.append(1)
                continue
            if isinstance(place, slice):
                sizes.append(_sliced(place, self.shape[axis]))
            axis += 1
        return Tensor(self.variable[tuple(map(_raw_place, places))], sizes)

    def __add__(self, other: Any) -> Tensor:
        return binary(T.add, self, other)

    def __radd__(self, other: Any) -> Tensor:
        return binary(T.add, other, self)

    def __sub__(self, other: Any) -> Tensor:
        return binary(T.sub, self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return binary(T.sub, other, self)

    def __mul__(self, other: Any) -> Tensor:
        return binary(T.mul, self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return binary(T.mul, other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return binary(T.true_div, self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return binary(T.true_div, other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return binary(T.int_div, self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return binary(T.int_div, other, self)

    def __mod__(self, other: Any) -> Tensor:
        return binary(T.mod, self, other)

    def __pow__(self, other: Any) -> Tensor:
        return binary(T.pow, self, other)

    def __neg__(self) -> Tensor:
        return Tensor(-self.variable, self.shape)

    def __invert__(self) -> Tensor:
        return Tensor(T.invert(self.variable), self.shape)

    def __and__(self, other: Any) -> Tensor:
        return binary(T.and_, self, other)

    def __or__(self, other: Any) -> Tensor:
        return binary(T.or_, self, other)

    def __lt__(self, other: Any) -> Tensor:
        return binary(T.lt, self, other)

    def __le__(self, other: Any) -> Tensor:
        return binary(T.le, self, other)

    def __gt__(self, other: Any) -> Tensor:
        return binary(T.gt, self, other)

    def __ge__(self, other: Any) -> Tensor:
        return binary(T.ge, self, other)

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]  # as every tensor's
        return binary(T.eq, self, other)

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]  # likewise
        return binary(T.neq, self, other)

    __hash__ = object.__hash__


def wrapped(value: Any, dtype: str | None = None) -> Tensor:
    """Anything as a tensor: a variable of Theano or Keras, an array, numbers in lists."""
    if not isinstance(value, Tensor):
        value = _wrapped_variable(value) if _is_variable(value) else _constant(value, dtype)
    return value if dtype in (None, value.dtype) else Tensor(_cast(value, dtype), value.shape)


def raw(value: Any) -> Any:
    """What Theano and Keras know: the variable of a tensor, all else as it is."""
    return value.variable if isinstance(value, Tensor) else value


def scalar_or_raw(value: Any) -> Any:
    """A size as Theano takes it: an int, or a variable of whole numbers."""
    return int(value) if isinstance(value, numbers.Integral) else T.cast(raw(value), "int64")


def binary(function: Any, one: Any, other: Any) -> Tensor:
    """A function of two tensors or numbers, broadcast, in the type that Keras 3 gives it."""
    first, second = of_one_type(one, other)
    answer = function(first.variable, second.variable)
    if str(answer.dtype) == "float64":
        answer = T.cast(answer, "float32")  # Theano divides whole numbers in float64
    return Tensor(answer, broadcast_shape(first.shape, second.shape))


def of_one_type(one: Any, other: Any) -> tuple[Tensor, Tensor]:
    """Both as tensors, of the type that Keras 3 gives to what becomes of them."""
    dtype = _common_type(one, other)
    return wrapped(one, dtype), wrapped(other, dtype)


def broadcast_shape(*shapes: Sequence[int | None]) -> tuple[int | None, ...]:
    """The shape of what comes of tensors of these shapes."""
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    return tuple(_broadcast_size(sizes) for sizes in zip(*padded))


def _broadcast_size(sizes: Sequence[int | None]) -> int | None:
    long = [size for size in sizes if size not in (1, None)]
    if long:
        return long[0]
    return None if None in sizes else 1


def _is_variable(value: Any) -> bool:
    return isinstance(value, theano.gof.Variable)


def _wrapped_variable(variable: Any) -> Tensor:
    known = getattr(variable, "_keras_shape", None)
    if known is None and hasattr(variable, "get_value"):
        known = variable.get_value(borrow=True).shape
    if known is None:
        known = [1 if one else None for one in variable.broadcastable]
    return Tensor(variable, known)


def _constant(value: Any, dtype: str | None) -> Tensor:
    if isinstance(value, (list, tuple)) and any(_is_variable(raw(each)) for each in value):
        return Tensor(T.stack([wrapped(each).variable for each in value]), (len(value),))
    array = np.asarray(value)
    if dtype is None and array.dtype == np.float64:
        dtype = "float32"
    if dtype is None and array.dtype == np.int64:
        dtype = "int32"
    array = array if dtype is None else array.astype(dtype)
    return Tensor(T.constant(array), array.shape)


def _cast(value: Tensor, dtype: str | None) -> Any:
    return T.cast(value.variable, dtype)


def _common_type(one: Any, other: Any) -> str | None:
    """As Keras 3 has it: numbers take a tensor's type, whole numbers a fraction's."""
    types = [_type_of(value) for value in (one, other)]
    tensors = [dtype for dtype, weak in types if not weak]
    fractions = [dtype for dtype, _ in types if dtype.startswith("float")]
    if fractions:
        strong = [dtype for dtype in tensors if dtype.startswith("float")]
        return strong[0] if strong else "float32"
    return tensors[0] if len(tensors) == 1 else None


def _type_of(value: Any) -> tuple[str, bool]:
    if isinstance(value, bool):
        return "bool", True
    if isinstance(value, numbers.Number):
        return ("int32" if isinstance(value, numbers.Integral) else "float32"), True
    return wrapped(value).dtype, False


def _explicit(index: tuple[Any, ...], rank: int) -> list[Any]:
    """An index with one entry for each axis, and None for each new one."""
    given = sum(place is not None and place is not Ellipsis for place in index)
    rest = [slice(None)] * (rank - given)
    places: list[Any] = []
    for place in index:
        places += rest if place is Ellipsis else [place]
    return places if any(place is Ellipsis for place in index) else places + rest


def _sliced(place: slice, size: int | None) -> int | None:
    ends = (place.start, place.stop, place.step)
    if size is None or not all(end is None or isinstance(end, numbers.Integral) for end in ends):
        return None
    return len(range(*place.indices(size)))


def _raw_place(place: Any) -> Any:
    if isinstance(place, slice):
        return slice(*(raw(end) for end in (place.start, place.stop, place.step)))
    return raw(place)
