"""The operations of ``keras.ops`` that the layers use, said in Theano.

Each has the name, the arguments and the answer of Keras 3's; the shapes are worked out beside. An
operation that is not here is one that no layer needs which runs there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import theano
from theano import tensor as T  # noqa: N812  # as all of Theano's documentation has it

from caffe2keras.runtime.dialect import theano_image as image
from caffe2keras.runtime.dialect.theano_shapes import (
    arange,
    concatenate,
    expand_dims,
    flip,
    full,
    full_like,
    moveaxis,
    ones,
    ones_like,
    pad,
    repeat,
    reshape,
    shape,
    split,
    squeeze,
    stack,
    take,
    tile,
    transpose,
    zeros,
    zeros_like,
)
from caffe2keras.runtime.dialect.theano_tensor import (
    Tensor,
    binary,
    broadcast_shape,
    wrapped,
)
from caffe2keras.runtime.dialect.theano_windows import average_pool, conv, max_pool

__all__ = [
    "abs",
    "add",
    "all",
    "any",
    "arange",
    "argmax",
    "array",
    "average_pool",
    "cast",
    "ceil",
    "clip",
    "concatenate",
    "conv",
    "convert_to_tensor",
    "copy",
    "cumsum",
    "divide",
    "equal",
    "exp",
    "expand_dims",
    "expm1",
    "flip",
    "floor",
    "full",
    "full_like",
    "image",
    "log",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "matmul",
    "max",
    "max_pool",
    "maximum",
    "mean",
    "min",
    "minimum",
    "moveaxis",
    "multiply",
    "not_equal",
    "ones",
    "ones_like",
    "pad",
    "power",
    "relu",
    "repeat",
    "reshape",
    "rsqrt",
    "scan",
    "shape",
    "sigmoid",
    "sign",
    "softmax",
    "softplus",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "stop_gradient",
    "subtract",
    "sum",
    "take",
    "tanh",
    "tile",
    "transpose",
    "transpose_last",
    "where",
    "zeros",
    "zeros_like",
]


def _each(function: Callable[[Any], Any]) -> Callable[[Any], Tensor]:
    """A function of each value by itself, which keeps the shape."""

    def apply(x: Any) -> Tensor:
        tensor = wrapped(x)
        return Tensor(function(tensor.variable), tensor.shape)

    return apply


def _both(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Tensor]:
    """A function of two values, broadcast."""
    return lambda x1, x2: binary(function, x1, x2)


abs = _each(T.abs_)  # the names are those of keras.ops
ceil = _each(T.ceil)
copy = _each(theano.compile.view_op)
exp = _each(T.exp)
expm1 = _each(T.expm1)
floor = _each(T.floor)
log = _each(T.log)
logical_not = _each(T.invert)
relu = _each(T.nnet.relu)
rsqrt = _each(lambda x: 1.0 / T.sqrt(x))
sigmoid = _each(T.nnet.sigmoid)
sign = _each(T.sgn)
softplus = _each(T.nnet.softplus)
sqrt = _each(T.sqrt)
square = _each(T.sqr)
stop_gradient = _each(theano.gradient.disconnected_grad)
tanh = _each(T.tanh)

add = _both(T.add)
divide = _both(T.true_div)
equal = _both(T.eq)
logical_and = _both(T.and_)
logical_or = _both(T.or_)
maximum = _both(T.maximum)
minimum = _both(T.minimum)
multiply = _both(T.mul)
not_equal = _both(T.neq)
power = _both(T.pow)
subtract = _both(T.sub)


def convert_to_tensor(x: Any, dtype: str | None = None) -> Tensor:
    """A tensor of a variable, an array or numbers."""
    return wrapped(x, dtype)


array = convert_to_tensor


def cast(x: Any, dtype: str) -> Tensor:
    """The values as another type."""
    return wrapped(x, dtype)


def clip(x: Any, x_min: float, x_max: float) -> Tensor:
    """The values, bounded."""
    return minimum(maximum(x, x_min), x_max)


def where(condition: Any, x1: Any, x2: Any) -> Tensor:
    """Values of x1 where the condition is True, else of x2."""
    chosen = wrapped(condition)
    answer = binary(lambda one, other: T.switch(chosen.variable, one, other), x1, x2)
    return Tensor(answer.variable, broadcast_shape(chosen.shape, answer.shape))


def _reduction(function: Callable[..., Any]) -> Callable[..., Tensor]:
    """One value in place of all along some axes."""

    def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
        tensor = wrapped(x)
        axes = range(tensor.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
        gone = {each % tensor.ndim for each in axes}
        if not gone:
            return tensor
        variable = function(tensor.variable, axis=tuple(sorted(gone)), keepdims=keepdims)
        sizes = [1 if i in gone else size for i, size in enumerate(tensor.shape)]
        if not keepdims:
            sizes = [size for i, size in enumerate(tensor.shape) if i not in gone]
        return Tensor(variable, sizes)

    return reduce


all = _reduction(T.all)  # the names are those of keras.ops
any = _reduction(T.any)
max = _reduction(T.max)
mean = _reduction(T.mean)
min = _reduction(T.min)
sum = _reduction(T.sum)


def argmax(x: Any, axis: int = -1) -> Tensor:
    """Where the first of the largest is."""
    tensor = wrapped(x)
    place = axis % tensor.ndim
    sizes = (*tensor.shape[:place], *tensor.shape[place + 1 :])
    return Tensor(T.cast(T.argmax(tensor.variable, axis=place), "int32"), sizes)


def cumsum(x: Any, axis: int) -> Tensor:
    """Sums of all up to each place."""
    tensor = wrapped(x)
    return Tensor(T.cumsum(tensor.variable, axis=axis % tensor.ndim), tensor.shape)


def matmul(x1: Any, x2: Any) -> Tensor:
    """Products of matrices: (..., I, K) by (K, J), or by (..., K, J)."""
    one, other = wrapped(x1), wrapped(x2)
    if other.ndim <= 2:
        return Tensor(T.dot(one.variable, other.variable), (*one.shape[:-1], *other.shape[1:]))
    rank = len(broadcast_shape(one.shape[:-2], other.shape[:-2])) + 2
    one, other = (_with_axes(each, rank) for each in (one, other))
    # (..., I, 1, J, K) would be large; batched products of three axes are Theano's own.
    batch = broadcast_shape(one.shape[:-2], other.shape[:-2])
    if rank == 3:
        product = T.batched_dot(one.variable, other.variable)
        return Tensor(product, (*batch, one.shape[-2], other.shape[-1]))
    pairs = expand_dims(one, -2) * expand_dims(transpose_last(other), -3)
    return sum(pairs, axis=-1)


def transpose_last(x: Any) -> Tensor:
    """The last two axes exchanged."""
    tensor = wrapped(x)
    return transpose(tensor, (*range(tensor.ndim - 2), tensor.ndim - 1, tensor.ndim - 2))


def _with_axes(tensor: Tensor, rank: int) -> Tensor:
    missing = list(range(rank - tensor.ndim))
    return expand_dims(tensor, missing) if missing else tensor


def log_softmax(x: Any, axis: int = -1) -> Tensor:
    """Logarithms of the shares."""
    shifted = wrapped(x) - max(x, axis=axis, keepdims=True)
    return shifted - log(sum(exp(shifted), axis=axis, keepdims=True))


def softmax(x: Any, axis: int = -1) -> Tensor:
    """The shares that sum to 1."""
    return exp(log_softmax(x, axis))


def scan(f: Callable[[Any, Any], Any], init: Sequence[Any], xs: Sequence[Any]) -> Any:
    """Step after step along axis 0: (carry, slices) -> (carry, outputs)."""
    states, sequences = [wrapped(each) for each in init], [wrapped(each) for each in xs]
    # Theano wants to know beforehand how many outputs there are.
    likes = [wrapped(each) for each in f(states, [each[0] for each in sequences])[1]]

    def step(*arrays: Any) -> list[Any]:
        slices = [Tensor(each, of.shape[1:]) for each, of in zip(arrays, sequences)]
        before = [Tensor(each, of.shape) for each, of in zip(arrays[len(slices) :], states)]
        after, outputs = f(before, slices)
        return [_open(each) for each in (*after, *outputs)]

    found, _ = theano.scan(
        step,
        sequences=[each.variable for each in sequences],
        outputs_info=[*map(_open, states), *[None] * len(likes)],
        return_list=True,
    )
    last = [Tensor(each[-1], of.shape) for each, of in zip(found, states)]
    length = sequences[0].shape[0]
    every = zip(found[len(states) :], likes)
    return last, [Tensor(each, (length, *of.shape)) for each, of in every]


def _open(x: Any) -> Any:
    """A variable none of whose axes is said to be 1: a loop's states keep their type."""
    variable = wrapped(x).variable
    return T.unbroadcast(variable, *range(variable.ndim))
