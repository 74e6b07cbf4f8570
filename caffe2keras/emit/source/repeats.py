"""Parts of a net that repeat: runs of statements that are alike but for names and numbers.

Two runs are alike if the same classes follow each other, are wired alike, take as much from
outside and hand on much the same, and if one word in the layers' names tells the runs apart.
Of all such groups the one that saves most lines is taken, then the next.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from caffe2keras.emit.source.arguments import default_of
from caffe2keras.emit.source.statements import Statement
from caffe2keras.emit.source.templates import Template, templates_of
from caffe2keras.spec import TensorRef

__all__ = ["Block", "Parameter", "find_blocks"]

_LONGEST = 40  # statements of a run
_MOST_INPUTS = 3
_MOST_RESULTS = 2  # a step of an LSTM has two
_MOST_PARAMETERS = 8
_MOST_BLOCKS = 8
_MOST_GROUPS = 12  # runs that are wired alike and named in other ways
_MOST_STATEMENTS = 1500  # searching takes seconds there; longer nets are written out
_TRIED = 12  # blocks to begin with
_LEAST_SAVING = 3  # lines: below that, a function only sends the reader to and fro
_FRAME = 4  # lines of a function beside its statements


@dataclass(frozen=True)
class Parameter:
    """What differs between the runs of a block.

    Attributes:
        argument: as the layer's constructor calls it.
        places: which statements take it.
        values: one for each run, as source.
    """

    argument: str
    places: tuple[int, ...]
    values: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """A function's worth of statements.

    Attributes:
        starts: where its runs begin among the net's statements.
        length: of a run.
        templates: of the names, one for each statement; None for a shared layer.
        words: what fills them, one for each run.
        parameters: what else differs.
        inputs: for each run the tensors from outside, in order of first use.
        results: which statements give what is read outside.
    """

    starts: tuple[int, ...]
    length: int
    templates: tuple[Template | None, ...]
    words: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    inputs: tuple[tuple[TensorRef, ...], ...]
    results: tuple[int, ...]

    @property
    def saving(self) -> int:
        """How many lines the net has less with it; a further input costs a line of attention."""
        calls = len(self.starts) * len(self.inputs[0])
        return len(self.starts) * self.length - calls - self.length - _FRAME

    @property
    def pays(self) -> bool:
        """Whether it is worth a function."""
        return self.saving >= _LEAST_SAVING


def find_blocks(statements: Sequence[Statement], outputs: Sequence[TensorRef]) -> list[Block]:
    """The blocks worth a function, in order of first use; their runs do not overlap."""
    if len(statements) > _MOST_STATEMENTS:
        return []
    finder = _Finder(statements, outputs)
    free = (True,) * len(statements)
    first = sorted(finder.candidates(free), key=lambda block: -block.saving)[:_TRIED]
    # What is best alone may break up what is better together: all but the shortcut of a residual
    # block is in all of them, but whole blocks are of two kinds.
    plans = [[block, *_greedily(finder, _without(free, block))] for block in first if block.pays]
    best = max(plans, key=lambda plan: sum(block.saving for block in plan), default=[])
    return sorted(best, key=lambda block: block.starts)


def _greedily(finder: _Finder, free: tuple[bool, ...]) -> list[Block]:
    blocks: list[Block] = []
    while len(blocks) < _MOST_BLOCKS:
        best = max(finder.candidates(free), key=lambda block: block.saving, default=None)
        if best is None or not best.pays:
            break
        blocks.append(best)
        free = _without(free, best)
    return blocks


def _without(free: tuple[bool, ...], block: Block) -> tuple[bool, ...]:
    taken = {start + i for start in block.starts for i in range(block.length)}
    return tuple(one and i not in taken for i, one in enumerate(free))


class _Finder:
    """Knows where each tensor is made and last read."""

    def __init__(self, statements: Sequence[Statement], outputs: Sequence[TensorRef]) -> None:
        self._statements = statements
        self._made = {(s.named.name, s.node): i for i, s in enumerate(statements)}
        self._last: dict[int, int] = {}
        for i, statement in enumerate(statements):
            for tensor in statement.inputs:
                self._last[self._made.get((tensor.layer, tensor.node), -1)] = i
        for tensor in outputs:
            self._last[self._made.get((tensor.layer, tensor.node), -1)] = len(statements)

    def candidates(self, free: Sequence[bool]) -> Iterator[Block]:
        """A block for each group of like runs among the statements that are still free."""
        for length in range(2, min(_LONGEST, len(free) // 2) + 1):
            groups: dict[Hashable, list[int]] = {}
            for start in self._starts(length, free):
                if (key := self._key(start, length)) is not None:
                    groups.setdefault(key, []).append(start)
            for starts in groups.values():
                for alike in self._named_alike(_apart(starts, length), length):
                    if block := self._block(alike, length):
                        yield block

    def _starts(self, length: int, free: Sequence[bool]) -> list[int]:
        """Where a run may begin: its classes, one after the other, come at least twice."""
        kinds: dict[tuple[str, ...], list[int]] = {}
        names = [statement.class_name for statement in self._statements]
        for start in range(len(names) - length + 1):
            if all(free[start : start + length]):
                kinds.setdefault(tuple(names[start : start + length]), []).append(start)
        several = (starts for kind, starts in kinds.items() if len(starts) > 1 and _is_one(kind))
        return sorted(start for starts in several for start in starts)

    def _key(self, start: int, length: int) -> Hashable | None:
        """How a run is wired; None if it cannot be a function."""
        end = start + length
        results = self._results(start, length)
        several = any(self._statements[start + place].several for place in results)
        if not 1 <= len(results) <= _MOST_RESULTS or several:
            return None
        outside = self._outside(start, length)
        if not 1 <= len(outside) <= _MOST_INPUTS:
            return None
        wires = []
        for statement in self._statements[start:end]:
            sources = tuple(self._wire(tensor, start, outside) for tensor in statement.inputs)
            shared = statement.named.name if statement.shared else None
            wires.append((statement.class_name, sources, shared, statement.several))
        return tuple(wires)

    def _results(self, start: int, length: int) -> tuple[int, ...]:
        end = start + length
        return tuple(i for i in range(length) if self._last.get(start + i, 0) >= end)

    def _outside(self, start: int, length: int) -> tuple[TensorRef, ...]:
        tensors = (t for s in self._statements[start : start + length] for t in s.inputs)
        return tuple(dict.fromkeys(t for t in tensors if self._place(t) < start))

    def _place(self, tensor: TensorRef) -> int:
        return self._made.get((tensor.layer, tensor.node), -1)

    def _wire(self, tensor: TensorRef, start: int, outside: tuple[TensorRef, ...]) -> Hashable:
        if tensor in outside:
            return ("outside", outside.index(tensor))
        return (self._place(tensor) - start, tensor.tensor)

    def _names(self, start: int, length: int) -> list[str]:
        run = self._statements[start : start + length]
        return [statement.named.name for statement in run if not statement.shared]

    def _named_alike(self, starts: Sequence[int], length: int) -> list[list[int]]:
        """The runs sorted by whether one word tells each from the first of its group."""
        groups: list[list[int]] = []
        for start in starts:
            names = self._names(start, length)
            for group in groups:
                if names and templates_of([self._names(group[0], length), names]):
                    group.append(start)
                    break
            else:
                if len(groups) < _MOST_GROUPS:
                    groups.append([start])
        return [group for group in groups if len(group) > 1]

    def _block(self, starts: Sequence[int], length: int) -> Block | None:
        found = templates_of([self._names(start, length) for start in starts])
        parameters = self._parameters(starts, length)
        if found is None or parameters is None or len(parameters) > _MOST_PARAMETERS:
            return None
        # The last step of several hands on less than the others; it returns as much.
        results = {place for start in starts for place in self._results(start, length)}
        if len(results) > _MOST_RESULTS:
            return None
        given = iter(found[0])
        run = self._statements[starts[0] : starts[0] + length]
        return Block(
            starts=tuple(starts),
            length=length,
            templates=tuple(None if statement.shared else next(given) for statement in run),
            words=found[1],
            parameters=parameters,
            inputs=tuple(self._outside(start, length) for start in starts),
            results=tuple(sorted(results)),
        )

    def _parameters(self, starts: Sequence[int], length: int) -> tuple[Parameter, ...] | None:
        """What the runs say differently; None if some say nothing where others must."""
        found: dict[tuple[str, tuple[str, ...]], list[int]] = {}
        for place in range(length):
            row = [self._statements[start + place] for start in starts]
            if row[0].shared:
                continue
            for argument in dict.fromkeys(key for one in row for key in one.arguments):
                values = [_said(one, argument) for one in row]
                if None in values:
                    return None
                told = tuple(value for value in values if value is not None)
                if len(set(told)) > 1:
                    found.setdefault((argument, told), []).append(place)
        return tuple(Parameter(key, tuple(at), told) for (key, told), at in found.items())


def _said(statement: Statement, argument: str) -> str | None:
    said: Mapping[str, str] = statement.arguments
    return said.get(argument) or default_of(statement.class_name, argument)


def _is_one(kind: tuple[str, ...]) -> bool:
    """Whether classes are not a shorter row of classes several times over."""
    length = len(kind)
    shorter = (n for n in range(1, length // 2 + 1) if length % n == 0)
    return not any(kind == kind[:n] * (length // n) for n in shorter)


def _apart(starts: Sequence[int], length: int) -> list[int]:
    """Those that do not overlap the one before."""
    kept: list[int] = []
    for start in starts:
        if not kept or start >= kept[-1] + length:
            kept.append(start)
    return kept
