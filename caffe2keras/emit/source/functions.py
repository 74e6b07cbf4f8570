"""A block of the net as a function, and a run of it as a call of that function."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from caffe2keras.emit.source.arguments import LEADING
from caffe2keras.emit.source.identifiers import Identifiers, kind_word
from caffe2keras.emit.source.literals import INDENT, call, literal, wrapped
from caffe2keras.emit.source.repeats import Block
from caffe2keras.emit.source.statements import Statement
from caffe2keras.spec import TensorRef

__all__ = ["Function", "applied", "called", "constructor", "function_of"]

_INPUT_NAMES = ("x", "y", "z")


@dataclass(frozen=True)
class Function:
    """A function's text, and what each run of its block hands it.

    Attributes:
        name: of the function.
        lines: its definition.
        values: for each run the arguments behind its inputs, the run's word first.
    """

    name: str
    lines: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]


def constructor(
    statement: Statement, class_name: str, name: str, instead: Mapping[str, str]
) -> tuple[str, list[str]]:
    """A layer's class and arguments.

    Args:
        statement: a call of the layer.
        class_name: the class, as it was imported.
        name: the layer's name, as source.
        instead: arguments that are told otherwise.
    """
    told = {**statement.arguments, **instead}
    leading = [told.pop(key) for key in LEADING.get(class_name, ()) if key in told]
    return class_name, [*leading, *(f"{k}={v}" for k, v in told.items()), f"name={name}"]


def applied(
    depth: int, head: str, arguments: Sequence[str], sources: Sequence[str], listed: str
) -> list[str]:
    """A layer made and called: ``head(arguments)(sources)``.

    Args:
        depth: of the statement.
        head: what the layer is assigned to, or ``return``, and its class.
        arguments: of its constructor.
        sources: the tensors; several are handed on as a list.
        listed: what to call that list where it is too long for the line.
    """
    if len(sources) == 1:
        return call(depth, head, arguments, f"({sources[0]})")
    tensors = f"[{', '.join(sources)}]"
    whole = call(depth, head, arguments, f"({tensors})")
    if len(whole) == 1:
        return whole
    before = wrapped(depth, f"{listed} = {tensors}", "")
    return [*before, *call(depth, head, arguments, f"({listed})")]


def called(depth: int, head: str, sources: Sequence[str]) -> list[str]:
    """A layer that is there, called: ``head(sources)``."""
    return call(depth, head, [sources[0] if len(sources) == 1 else f"[{', '.join(sources)}]"])


def function_of(
    block: Block, statements: Sequence[Statement], classes: Mapping[str, str], names: Identifiers
) -> Function:
    """The function for a block.

    Args:
        block: the block.
        statements: all of the net's.
        classes: class name of a config -> as it was imported.
        names: hands out the function's name.
    """
    run = statements[block.starts[0] : block.starts[0] + block.length]
    name = names.free(_function_name(block))
    local = Identifiers([*classes.values(), name, "block", *_INPUT_NAMES])
    variables = _variables(block, run, local)
    parameters = _parameter_names(block, variables, local)
    shared = {s.named.name: local.of(s.named.name, s.class_name) for s in run if s.shared}
    told: dict[int, dict[str, str]] = {}
    for parameter, given in zip(block.parameters, parameters, strict=True):
        for place in parameter.places:
            told.setdefault(place, {})[parameter.argument] = given
    inputs = dict(zip(block.inputs[0], _INPUT_NAMES, strict=False))
    refs = {(s.named.name, s.node): variable for s, variable in zip(run, variables, strict=True)}
    lines: list[str] = []
    for place, (statement, variable) in enumerate(zip(run, variables, strict=True)):
        sources = [_reference(tensor, inputs, refs, statements) for tensor in statement.inputs]
        head = "return " if (place,) == block.results == (block.length - 1,) else f"{variable} = "
        template = block.templates[place]
        if template is None:
            lines += called(1, head + shared[statement.named.name], sources)
        else:
            made, arguments = constructor(
                statement,
                classes[statement.class_name],
                template.source("block"),
                told.get(place, {}),
            )
            lines += applied(1, head + made, arguments, sources, "tensors")
    if block.results != (block.length - 1,):
        lines.append(f"{INDENT}return {', '.join(variables[place] for place in block.results)}")
    signature = [*inputs.values(), "block", *shared.values(), *parameters]
    header = call(0, f"def {name}", signature, ":")
    text = f'{INDENT}"""{_told(block)}"""'
    values = tuple(
        (literal(word), *shared, *(parameter.values[i] for parameter in block.parameters))
        for i, word in enumerate(block.words)
    )
    return Function(name, (*header, text, *lines), values)


def _reference(
    tensor: TensorRef,
    inputs: Mapping[TensorRef, str],
    refs: Mapping[tuple[str, int], str],
    statements: Sequence[Statement],
) -> str:
    if tensor in inputs:
        return inputs[tensor]
    made = refs[tensor.layer, tensor.node]
    several = any(
        s.several for s in statements if (s.named.name, s.node) == (tensor.layer, tensor.node)
    )
    return f"{made}[{tensor.tensor}]" if several else made


def _function_name(block: Block) -> str:
    starts = [re.sub(r"\W|_*\d*$", "", t.before, flags=re.ASCII) for t in block.templates if t]
    same = len(set(starts)) == 1
    word = (starts[0] if same or len(starts[0]) > 2 else starts[-1]).strip("_").lower()
    return f"{word}_block" if word.isidentifier() else "block_of_layers"


def _variables(block: Block, run: Sequence[Statement], names: Identifiers) -> list[str]:
    """What the function calls its results: what is left of the names without the word."""
    after = [
        t.after.strip("_-") if t else s.title for t, s in zip(block.templates, run, strict=True)
    ]
    if "" in after or len(set(after)) < len(after):
        after = [
            f"{t.before.strip('_-')}_{t.after.strip('_-')}".strip("_") if t else s.title
            for t, s in zip(block.templates, run, strict=True)
        ]
    return [
        names.of(name or kind_word(s.class_name), s.class_name)
        for name, s in zip(after, run, strict=True)
    ]


def _parameter_names(block: Block, variables: Sequence[str], names: Identifiers) -> list[str]:
    """Called like the argument, and like the layer where several layers have it."""
    arguments = [parameter.argument for parameter in block.parameters]
    whose = [variables[parameter.places[0]].split("_") for parameter in block.parameters]
    most = max(map(len, whose), default=1)
    # As few words of the layer's name as tell the layers apart.
    count = next((n for n in range(1, most) if _all_differ(arguments, whose, n)), most)
    return [
        names.free(
            argument
            if arguments.count(argument) == 1
            else "_".join([argument, *words[-count:]]).replace("_conv_", "_")
        )
        for argument, words in zip(arguments, whose, strict=True)
    ]


def _all_differ(arguments: Sequence[str], whose: Sequence[Sequence[str]], count: int) -> bool:
    said = {(a, *words[-count:]) for a, words in zip(arguments, whose, strict=True)}
    return len(said) == len(arguments)


def _told(block: Block) -> str:
    words = list(block.words)
    listed = " and ".join([", ".join(words[:-1]), words[-1]])
    if len(listed) <= 60:
        return f"Blocks {listed}."
    return f"The {len(words)} blocks from {words[0]} to {words[-1]}."
