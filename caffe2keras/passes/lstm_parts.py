"""What surrounds the steps of an LSTM that is written out, if all of it is certain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caffe2keras.graph.constants import constants
from caffe2keras.graph.net import Blob, Layer
from caffe2keras.passes.lstm_steps import Step, Wiring

__all__ = ["Parts", "StaysUnrolledError", "parts_around"]


class StaysUnrolledError(Exception):
    """Why a chain of steps is left as it is."""


@dataclass(frozen=True)
class Parts:
    """What surrounds the steps.

    Attributes:
        x: the whole input (T, N, ...).
        cont: where sequences go on, (T, N); None where they do throughout.
        static: the input that is the same at every step, (N, ...) or (1, N, ...), or None.
        driving: the InnerProduct on x, or on one of its steps.
        resting: the InnerProduct on the static input, or None.
        recurring: the InnerProduct on a hidden state.
        layers: those that only serve the steps.
        optional: those that may serve others too.
        states: h and c before the first step.
        from_zeros: whether those are zeros.
        tied: whether the steps share their arrays, and do not hold equal ones of their own.
    """

    x: Blob
    cont: Blob | None
    static: Blob | None
    driving: Layer
    resting: Layer | None
    recurring: Layer
    layers: tuple[Layer, ...]
    optional: tuple[Layer, ...]
    states: tuple[Blob, Blob]
    from_zeros: bool
    tied: bool


@dataclass(frozen=True)
class _Summands:
    """The sum at one step, taken apart.

    Attributes:
        recurring: the product on the state before.
        cont: what scales that state first, or None.
        scale: the layer that does.
        others: the other summands.
    """

    recurring: Layer
    cont: Blob | None
    scale: Layer | None
    others: tuple[Blob, ...]


def parts_around(wiring: Wiring, chain: Sequence[Step]) -> Parts:
    """The surroundings of a chain of steps.

    Raises:
        StaysUnrolledError: something is not as an LSTM has it.
    """
    if len({step.order for step in chain}) != 1:
        raise StaysUnrolledError("its steps have their gates in different orders")
    before = [_initial_hidden(wiring, chain), *(step.hidden for step in chain[:-1])]
    sums = [_apart(wiring, *pair) for pair in zip(chain, before, strict=True)]
    x_of_steps, shared = _without_static([one.others for one in sums])
    x, driving, optional = _input(wiring, x_of_steps)
    recurring = [one.recurring for one in sums]
    _check_same(recurring)
    _check_same(driving)
    static, resting, behind_static = _static(wiring, shared)
    cont, cuts = _cont(wiring, chain, sums)
    states = before[0], chain[0].cell_before
    makers = (wiring.maker(blob, "DummyData") for blob in states)
    known = constants(wiring.net)
    return Parts(
        x=x,
        cont=cont,
        static=static,
        driving=driving[0],
        resting=resting,
        recurring=recurring[0],
        layers=(*recurring, *(one.scale for one in sums if one.scale is not None)),
        optional=(*optional, *behind_static, *cuts, *(maker for maker in makers if maker)),
        states=states,
        from_zeros=all(known.get(blob.key) == 0 for blob in states),
        tied=_is_tied(recurring) and _is_tied(driving),
    )


def _initial_hidden(wiring: Wiring, chain: Sequence[Step]) -> Blob:
    """The state before the first step: it meets the weights that later states meet.

    Where it is the only step, or has weights of its own, it is the one that is a constant.
    """
    first = _products(wiring, chain[0])
    later = [
        product
        for step in chain[1:2]
        for product in _products(wiring, step)
        if _state(wiring, product, step)[0].key == chain[0].hidden.key
    ]
    alike = [product for product in first if any(_same_arrays(product, one) for one in later)]
    states = [_state(wiring, product, chain[0])[0] for product in alike or first]
    if not alike:
        states = [state for state in states if wiring.maker(state, "DummyData") is not None]
    if len(states) != 1 or states[0].shape != chain[0].hidden.shape:
        raise StaysUnrolledError("no state before its first step can be told from its input")
    return states[0]


def _products(wiring: Wiring, step: Step) -> list[Layer]:
    made = (wiring.maker(blob, "InnerProduct") for blob in step.driven)
    return [product for product in made if product is not None]


def _state(wiring: Wiring, product: Layer, step: Step) -> tuple[Blob, Layer | None]:
    """The state that a product is on, and the Scale by cont between the two."""
    scale = wiring.scaled(product.bottoms[0])
    if scale is None or step.cont is None or scale.bottoms[1].key != step.cont.key:
        return product.bottoms[0], None
    return scale.bottoms[0], scale


def _apart(wiring: Wiring, step: Step, hidden: Blob) -> _Summands:
    found: list[tuple[Layer, Layer | None]] = []
    others: list[Blob] = []
    for blob in step.driven:
        product = wiring.maker(blob, "InnerProduct")
        state, scale = _state(wiring, product, step) if product else (None, None)
        if product is not None and state is not None and state.key == hidden.key:
            found.append((product, scale))
        else:
            others.append(blob)
    if len(found) != 1 or len(others) not in (1, 2):
        raise StaysUnrolledError("a step is not the sum of one input and the state before")
    ((product, scale),) = found
    return _Summands(product, scale.bottoms[1] if scale else None, scale, tuple(others))


def _without_static(others: Sequence[tuple[Blob, ...]]) -> tuple[list[Blob], Blob | None]:
    """What drives each step, and the summand that all steps have in common."""
    if all(len(blobs) == 1 for blobs in others):
        return [blob for (blob,) in others], None
    keys = [{blob.key for blob in blobs} for blobs in others]
    common = set.intersection(*keys)
    if len(common) != 1 or any(len(of_step) != 2 for of_step in keys):
        raise StaysUnrolledError("its steps have more than one input, and none in common")
    (shared,) = (blob for blob in others[0] if blob.key in common)
    return [blob for blobs in others for blob in blobs if blob.key not in common], shared


def _static(
    wiring: Wiring, shared: Blob | None
) -> tuple[Blob | None, Layer | None, tuple[Layer, ...]]:
    """The static input, the product on it, and the layers behind it.

    The product gives (1, N, 4H), or (N, 4H) that a Reshape gives a time axis
    (recurrent_layer.cpp does so).
    """
    if shared is None:
        return None, None, ()
    widened = wiring.maker(shared, "Reshape")
    product = wiring.maker(widened.bottoms[0] if widened else shared, "InnerProduct")
    if product is None or (widened is not None and shared.shape != (1, *product.tops[0].shape)):
        raise StaysUnrolledError("its static input does not come through a matrix product")
    x, axis = product.bottoms[0], product.params.fresh().inner_product_param.axis
    if axis % len(x.shape) != (1 if widened else 2):
        raise StaysUnrolledError(f"{product} mixes other axes than those behind the batch")
    return x, product, (product, *((widened,) if widened else ()))


def _cont(
    wiring: Wiring, chain: Sequence[Step], sums: Sequence[_Summands]
) -> tuple[Blob | None, tuple[Layer, ...]]:
    """The whole (T, N) of what scales both states at each step, and the layer that cuts it."""
    known = constants(wiring.net)
    conts = [step.cont for step in chain]
    given = [cont for cont in conts if cont is not None]
    plain = all(one.cont is None for one in sums)
    if plain and all(known.get(cont.key) == 1 for cont in given):
        makers = {cont.key: wiring.maker(cont, "DummyData") for cont in given}
        return None, tuple(maker for maker in makers.values() if maker is not None)
    if len(given) != len(chain) or any(one.cont is None for one in sums):
        raise StaysUnrolledError("cont does not scale both the state and the cell at every step")
    cut = _cut_into(wiring, given)
    if cut is None:
        raise StaysUnrolledError("its steps do not read the steps of one cont, in their order")
    return cut.bottoms[0], (cut,)


def _input(wiring: Wiring, driven: Sequence[Blob]) -> tuple[Blob, list[Layer], tuple[Layer, ...]]:
    """The whole input, the products on it, and the layers between it and the steps."""
    products = [wiring.maker(blob, "InnerProduct") for blob in driven]
    each = [product for product in products if product is not None]
    if len(each) == len(driven):
        read = [product.bottoms[0] for product in each]
        if len(read) == 1 and wiring.maker(read[0], "Slice") is None and read[0].shape[0] == 1:
            return read[0], each, tuple(each)
        cut = _cut_into(wiring, read)
        if cut is not None:
            return cut.bottoms[0], each, (*each, cut)
    else:
        cut = _cut_into(wiring, driven)
        product = wiring.maker(cut.bottoms[0], "InnerProduct") if cut else None
        if cut is not None and product is None:
            raise StaysUnrolledError("its input does not come through a matrix product")
        if cut is not None and product is not None:
            return product.bottoms[0], [product], (product, cut)
    raise StaysUnrolledError("its steps do not read the steps of one input, in their order")


def _cut_into(wiring: Wiring, steps: Sequence[Blob]) -> Layer | None:
    """The Slice that cuts something into exactly these, one step of the time each."""
    cut = wiring.maker(steps[0], "Slice")
    if cut is None or [top.key for top in cut.tops] != [step.key for step in steps]:
        return None
    whole = cut.bottoms[0].shape
    even = whole[0] == len(steps) and all(top.shape == (1, *whole[1:]) for top in cut.tops)
    return cut if even else None


def _check_same(products: Sequence[Layer]) -> None:
    """All steps must use the same arrays, with axes (T, N) kept."""
    for product in products:
        p = product.params.fresh().inner_product_param
        if p.axis % len(product.bottoms[0].shape) != 2:
            raise StaysUnrolledError(f"{product} does not work along axis 2")
        if not _same_arrays(product, products[0]):
            raise StaysUnrolledError(f"{product} has other weights than the step before")


def _is_tied(products: Sequence[Layer]) -> bool:
    return len({weight.owner for product in products for weight in product.weights}) == 1


def _same_arrays(one: Layer, other: Layer) -> bool:
    """Whether two products hold the same arrays, or equal ones that both come from a file."""
    p, q = (layer.params.fresh().inner_product_param for layer in (one, other))
    if p.transpose != q.transpose or len(one.weights) != len(other.weights):
        return False
    return all(
        (a.owner, a.index) == (b.owner, b.index)
        or (not (a.filled or b.filled) and np.array_equal(a.array, b.array))
        for a, b in zip(one.weights, other.weights, strict=True)
    )
