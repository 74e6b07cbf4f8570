"""KerasModel → the text of a Python file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from caffe2keras.emit.source.arguments import import_of
from caffe2keras.emit.source.functions import (
    Function,
    applied,
    called,
    constructor,
    function_of,
)
from caffe2keras.emit.source.identifiers import Identifiers
from caffe2keras.emit.source.literals import INDENT, call, literal, wrapped
from caffe2keras.emit.source.repeats import Block, find_blocks
from caffe2keras.emit.source.statements import Statement, data_format_of, statements_of
from caffe2keras.spec import KerasModel, NamedLayer, TensorRef

__all__ = ["source_of"]

_MAIN = """\
if __name__ == "__main__":
    model = build()
    model.load_weights(Path(__file__).with_suffix(".h5"))
    model.summary()
"""

_FEWEST_IN_A_LOOP = 3


def source_of(model: KerasModel, version: str) -> str:
    """The Python file that builds a model; its layers are called as the model's.

    Args:
        model: the Keras graph as data.
        version: of this tool.

    Raises:
        UnsupportedError: a layer is of a plugin, or its config is no Python.
    """
    statements = statements_of(model)
    classes, imports = _imports(statements)
    names = Identifiers(classes.values())
    functions = {
        block: function_of(block, statements, classes, names)
        for block in find_blocks(statements, model.outputs)
    }
    body = _Body(model, statements, classes, names, functions)
    parts = [
        f'"""{model.name}, a Caffe net, as caffe2keras {version} writes it in Keras."""\n',
        "from pathlib import Path\n",
        "\n".join(imports) + "\n",
    ]
    text = "\n".join(parts)
    for function in functions.values():
        text += "\n\n" + "\n".join(function.lines) + "\n"
    text += "\n\n" + "\n".join(body.lines()) + "\n"
    return text + "\n\n" + _MAIN


def _imports(statements: Sequence[Statement]) -> tuple[dict[str, str], list[str]]:
    """Class name of a config -> the name it is imported by; and the import lines."""
    modules: dict[str, set[str]] = {}
    classes: dict[str, str] = {}
    found = {s.class_name: import_of(s.named) for s in statements}
    stock = {name for module, name in found.values() if module == "keras.layers"}
    for class_name, (module, name) in sorted(found.items()):
        ours = f"Caffe{name}" if module != "keras.layers" and name in stock else name
        classes[class_name] = ours
        modules.setdefault(module, set()).add(name if ours == name else f"{name} as {ours}")
    lines = ["import keras"]
    for module in sorted(modules):
        words = sorted(modules[module], key=_as_isort)
        line = f"from {module} import {', '.join(words)}"
        if len(line) > 88:
            line = "\n".join([f"from {module} import (", *(f"{INDENT}{w}," for w in words), ")"])
        lines.append(line)
    return classes, lines


def _as_isort(word: str) -> tuple[bool, str, str]:
    """Names all in capitals first, then whatever the case, as isort and Ruff have them."""
    name = word.split(" ")[0]
    return not (name.isupper() and len(name) > 1), word.lower(), word


@dataclass
class _Body:
    """The function ``build``, written from top to bottom."""

    model: KerasModel
    statements: Sequence[Statement]
    classes: Mapping[str, str]
    names: Identifiers
    functions: Mapping[Block, Function]
    variables: dict[tuple[str, int], str] = field(default_factory=dict)
    # The call whose result is called x, and the place where that is last read.
    holder: tuple[str, int] | None = None

    def __post_init__(self) -> None:
        self.place = {(s.named.name, s.node): i for i, s in enumerate(self.statements)}
        self.several = {(s.named.name, s.node) for s in self.statements if s.several}
        self.last_use = {call: -1 for call in self.place}
        self.first_use: dict[tuple[str, int], int] = {}
        for i, statement in enumerate(self.statements):
            for tensor in statement.inputs:
                self.first_use.setdefault((tensor.layer, tensor.node), i)
            self.last_use.update({(t.layer, t.node): i for t in statement.inputs})
        self.last_use.update({(t.layer, t.node): len(self.statements) for t in self.model.outputs})
        self.runs = {
            start: (block, i) for block in self.functions for i, start in enumerate(block.starts)
        }

    def lines(self) -> list[str]:
        """The definition of ``build``."""
        made = self._inputs() + self._shared_layers()
        at = 0
        while at < len(self.statements):
            if at in self.runs:
                lines, at = self._runs(at)
            else:
                lines, at = self._statement(at), at + 1
            made += lines
        return [
            "def build() -> keras.Model:",
            f'{INDENT}"""The net, before its weights are loaded."""',
            *self._axis_order(),
            *made,
            *self._model(),
        ]

    def _axis_order(self) -> list[str]:
        if not any("data_format" in s.named.layer.config for s in self.statements):
            return []
        return [f'{INDENT}keras.config.set_image_data_format("{data_format_of(self.model)}")']

    def _inputs(self) -> list[str]:
        by_name = {named.name: named for named in self.model.layers}
        lines = []
        for tensor in self.model.inputs:
            named = by_name[tensor.layer]
            variable = self.variables[tensor.layer, tensor.node] = self._variable(named, named.name)
            lines += call(1, f"{variable} = keras.Input", _input_arguments(named))
        return lines

    def _shared_layers(self) -> list[str]:
        lines: list[str] = []
        self.layers: dict[str, str] = {}
        for statement in self.statements:
            name = statement.named.name
            if statement.shared and name not in self.layers:
                variable = self.layers[name] = self.names.of(f"{name}_layer", statement.class_name)
                head, arguments = self._constructor(statement)
                lines += call(1, f"{variable} = {head}", arguments)
        return lines

    def _constructor(self, statement: Statement) -> tuple[str, list[str]]:
        class_name = self.classes[statement.class_name]
        return constructor(statement, class_name, literal(statement.named.name), {})

    def _variable(self, named: NamedLayer, title: str) -> str:
        return self.names.of(title, named.layer.class_name)

    def _statement(self, at: int) -> list[str]:
        statement = self.statements[at]
        made = (statement.named.name, statement.node)
        if self._begins_a_loop(made, at + 1):
            self.holder, variable = made, "x"
        else:
            variable = self._variable(statement.named, statement.title)
        self.variables[made] = variable
        sources = [self._source(tensor) for tensor in statement.inputs]
        if statement.shared:
            return called(1, f"{variable} = {self.layers[statement.named.name]}", sources)
        head, arguments = self._constructor(statement)
        return applied(1, f"{variable} = {head}", arguments, sources, f"{variable}_inputs")

    def _source(self, tensor: TensorRef) -> str:
        made = (tensor.layer, tensor.node)
        variable = self.variables[made]
        return f"{variable}[{tensor.tensor}]" if made in self.several else variable

    # Runs of blocks

    def _runs(self, at: int) -> tuple[list[str], int]:
        """The call of a function, or a loop over several; and where the net goes on."""
        chain = self._chain(at)
        block, first = self.runs[at]
        end = at + block.length * len(chain)
        if len(chain) >= _FEWEST_IN_A_LOOP and (loop := self._loop(block, chain)):
            return loop, end
        inputs = [self._source(tensor) for tensor in block.inputs[first]]
        target = self._target(block, at)
        function = self.functions[block]
        arguments = [*inputs, *self._values(block, first)]
        return call(1, f"{target} = {function.name}", arguments), at + block.length

    def _begins_a_loop(self, made: tuple[str, int], at: int) -> bool:
        """Whether a loop over runs of a block takes this, and nobody else does."""
        if at not in self.runs or len(self._chain(at)) < _FEWEST_IN_A_LOOP:
            return False
        block, run = self.runs[at]
        fed = [(t.layer, t.node) for t in block.inputs[run]] == [made]
        idle = self.holder is None or self.last_use[self.holder] < at
        return fed and idle and made not in self.several and self._read_within(made, at, block)

    def _read_within(self, made: tuple[str, int], at: int, block: Block) -> bool:
        return at <= self.first_use[made] and self.last_use[made] < at + block.length

    def _values(self, block: Block, run: int) -> tuple[str, ...]:
        return tuple(self.layers.get(value, value) for value in self.functions[block].values[run])

    def _result(self, block: Block, start: int) -> Statement:
        return self.statements[start + block.results[0]]

    def _target(self, block: Block, start: int) -> str:
        """What to call a run's result: x, unless what is called so is needed further on."""
        if len(block.results) > 1:
            results = [self.statements[start + place] for place in block.results]
            for one in results:
                made = (one.named.name, one.node)
                used = self.last_use[made] >= start + block.length
                self.variables[made] = self._variable(one.named, one.title) if used else "_"
            return ", ".join(self.variables[one.named.name, one.node] for one in results)
        result = self._result(block, start)
        made = (result.named.name, result.node)
        if self.holder is None or self.last_use[self.holder] < start + block.length:
            self.holder = made
            self.variables[made] = "x"
        else:
            self.variables[made] = self._variable(result.named, result.title)
        return self.variables[made]

    def _chain(self, at: int) -> list[int]:
        """The runs from here on that take nothing but what the one before gives, one function's.

        They differ in the word alone, and nobody else reads what is between them.
        """
        block, first = self.runs[at]
        chain = [first]
        if len(block.inputs[first]) > 1 or len(block.results) > 1:
            return chain
        values = self.functions[block].values
        while (start := at + block.length * len(chain)) in self.runs:
            other, run = self.runs[start]
            before = self._result(block, start - block.length)
            made = (before.named.name, before.node)
            fed = other is block and [(t.layer, t.node) for t in block.inputs[run]] == [made]
            if not (
                fed
                and self._read_within(made, start, block)
                and values[run][1:] == values[first][1:]
            ):
                break
            chain.append(run)
        return chain

    def _loop(self, block: Block, chain: Sequence[int]) -> list[str] | None:
        start = block.starts[chain[0]]
        fed = block.inputs[chain[0]][0]
        made = (fed.layer, fed.node)
        before: list[str] = []
        source = self._source(fed)
        if source != "x":
            if self.holder is not None and self.last_use[self.holder] >= start:
                return None
            before = [f"{INDENT}x = {source}"]
        elif self.last_use[made] >= start + block.length:
            return None
        values = self._values(block, chain[0])[1:]
        head, word = _over([block.words[run] for run in chain])
        last = self._result(block, block.starts[chain[-1]])
        self.holder = (last.named.name, last.node)
        self.variables[self.holder] = "x"
        return [*before, *head, *call(2, f"x = {self.functions[block].name}", ["x", word, *values])]

    def _model(self) -> list[str]:
        ends = [self._ends(self.model.inputs), self._ends(self.model.outputs)]
        return call(1, "return keras.Model", [*ends, f"name={literal(self.model.name)}"])

    def _ends(self, tensors: Sequence[TensorRef]) -> str:
        sources = [self._source(tensor) for tensor in tensors]
        return sources[0] if len(sources) == 1 else f"[{', '.join(sources)}]"


def _input_arguments(named: NamedLayer) -> list[str]:
    shape = list(named.layer.config["batch_input_shape"])
    name = f"name={literal(named.name)}"
    if shape and shape[0] is None:
        return [literal(shape[1:]), name]
    return [f"batch_shape={literal(shape)}", name]


def _over(words: Sequence[str]) -> tuple[list[str], str]:
    """The head of a loop over words, and the word as source."""
    counted = _counted(words)
    if counted is not None:
        before, first = counted
        head = f"{INDENT}for i in range({first}, {first + len(words)}):"
        return [head], f'f"{before}{{i}}"' if before else "str(i)"
    lines = wrapped(1, f"for block in {literal(list(words))}", ":")
    if len(lines) == 1 and len(lines[0]) > 88:
        inner = [f"{INDENT * 2}{literal(word)}," for word in words]
        lines = [f"{INDENT}for block in (", *inner, f"{INDENT}):"]
    return lines, "block"


def _counted(words: Sequence[str]) -> tuple[str, int] | None:
    """What words have in common before numbers that count up by one, and the first number."""
    before = words[0].rstrip("0123456789")
    digits = words[0][len(before) :]
    if not digits:
        return None
    first = int(digits)
    expected = [f"{before}{first + i}" for i in range(len(words))]
    return (before, first) if list(words) == expected else None
