"""The operations of ``keras.ops`` that the layers use, said in Theano.

Each has the name, the arguments and the answer of Keras 3's; the shapes are worked out beside.
Those that reckon are here; others are in ``theano_shapes``, ``theano_places``, ``theano_windows``
and ``theano_loops``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import theano
from theano import tensor as T  # noqa: N812  # as all of Theano's documentation has it
from theano.gof.utils import MethodNotDefined
from theano.tensor.blas import BatchedDot
from theano.tensor.fft import rfft

from caffe2keras.runtime.dialect.python import prod
from caffe2keras.runtime.dialect.theano_shapes import (
    expand_dims,
    full,
    reshape,
    shape,
    transpose,
)
from caffe2keras.runtime.dialect.theano_tensor import (
    Tensor,
    binary,
    broadcast_shape,
    of_one_type,
    wrapped,
)

__all__ = [
    "abs",
    "add",
    "all",
    "any",
    "ceil",
    "clip",
    "copy",
    "cumsum",
    "divide",
    "einsum",
    "equal",
    "exp",
    "expm1",
    "fft",
    "floor",
    "log",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "multiply",
    "not_equal",
    "power",
    "relu",
    "rsqrt",
    "segment_sum",
    "sigmoid",
    "sign",
    "softmax",
    "softplus",
    "sqrt",
    "square",
    "stop_gradient",
    "subtract",
    "sum",
    "tanh",
    "where",
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


def clip(x: Any, x_min: float, x_max: float) -> Tensor:
    """The values, bounded."""
    return minimum(maximum(x, x_min), x_max)


def where(condition: Any, x1: Any, x2: Any) -> Tensor:
    """Values of x1 where the condition is True, else of x2."""
    chosen, (one, other) = wrapped(condition), of_one_type(x1, x2)
    answer = T.switch(chosen.variable, one.variable, other.variable)
    return Tensor(answer, broadcast_shape(chosen.shape, one.shape, other.shape))


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
        product = _batched_dot(one.variable, other.variable)
        return Tensor(product, (*batch, one.shape[-2], other.shape[-1]))
    pairs = expand_dims(one, -2) * expand_dims(_transpose_last(other), -3)
    return sum(pairs, axis=-1)


class _PlainBatchedDot(BatchedDot):
    """Theano's, by NumPy: its C code wants a BLAS, and is no C code without one."""

    def c_code(self, *args: Any, **kwargs: Any) -> Any:
        """None."""
        raise MethodNotDefined


_batched_dot = T.batched_dot if theano.config.blas.ldflags else _PlainBatchedDot()


def _transpose_last(x: Any) -> Tensor:
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


def einsum(subscripts: str, x1: Any, x2: Any) -> Tensor:
    """Products of two tensors summed by letters, as ``"nij,njk->nik"``; no letter twice in one."""
    inputs, _, output = subscripts.partition("->")
    first, second = inputs.split(",")
    both = [each for each in output if each in first and each in second]
    left = [each for each in output if each in first and each not in second]
    right = [each for each in output if each in second and each not in first]
    gone = [each for each in first if each in second and each not in output]
    one = transpose(x1, [first.index(each) for each in (*both, *left, *gone)])
    other = transpose(x2, [second.index(each) for each in (*both, *gone, *right)])
    sizes = dict(zip((*both, *left, *gone), shape(one)))
    sizes.update(zip((*both, *gone, *right), shape(other)))

    def flat(x: Tensor, *groups: Sequence[str]) -> Tensor:
        return reshape(x, [prod([sizes[each] for each in group]) for group in groups])

    product = matmul(flat(one, both, left, gone), flat(other, both, gone, right))
    product = reshape(product, [sizes[each] for each in (*both, *left, *right)])
    return transpose(product, [(*both, *left, *right).index(each) for each in output])


def segment_sum(data: Any, segment_ids: Any, num_segments: int) -> Tensor:
    """Rows added to so many sums, each row to the one that it names."""
    rows, chosen = wrapped(data), wrapped(segment_ids)
    sums = full((num_segments, *shape(rows)[1:]), 0, rows.dtype)
    return Tensor(T.inc_subtensor(sums.variable[chosen.variable], rows.variable), sums.shape)


def fft(x: Sequence[Any]) -> tuple[Tensor, Tensor]:
    """The Fourier transform along the last axis, of real and imaginary parts."""
    (one, other), (first, second) = (_spectrum(part) for part in x)
    return one - second, other + first


def _spectrum(x: Any) -> tuple[Tensor, Tensor]:
    """The real and the imaginary part of what real numbers are made of."""
    tensor = wrapped(x)
    length = tensor.shape[-1]
    if length is None:
        raise ValueError("Keras 2 on Theano transforms what has a known length only.")
    half = rfft(reshape(tensor, (-1, length)).variable)
    mirrored = half[:, 1 : (length + 1) // 2][:, ::-1]  # conjugated
    parts = [
        T.concatenate([half[..., place], sign * mirrored[..., place]], axis=1)
        for place, sign in ((0, 1.0), (1, -1.0))
    ]
    real, imaginary = (reshape(Tensor(part, (None, length)), shape(tensor)) for part in parts)
    return real, imaginary
