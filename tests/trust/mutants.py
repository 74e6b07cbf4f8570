"""Small faults to put into a source file, one at a time: what ``scripts/mutate`` tries.

Left alone are: docstrings, sentences (strings with a space), what an error says (``what``, ``why``,
``hint``), annotations and type aliases, imports, ``__all__``, the -1 of a reshape (NumPy takes any
negative number there), and the two guards that no sound program trips: ``frozen=True`` of a
dataclass, and ``strict=True`` of ``zip``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

__all__ = ["Mutant", "mutants_of"]

_OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.MatMult: ast.Mult,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_NEGATED_BY_OPERATOR = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)
_WORDS = {
    "min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor",
    "minimum": "maximum", "maximum": "minimum", "zeros": "ones", "ones": "zeros",
}  # fmt: skip
_ORDERLESS = {"min", "max", "minimum", "maximum", "maps", "computes", "honoured", "swapaxes"}
_LEFT_ALONE = {"what", "why", "hint", "strict", "frozen"}
_GENERIC = {"Callable", "Literal", "Mapping", "Registry", "Sequence", "dict", "list", "tuple"}
_DISPENSABLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.Delete)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_CONTEXT = 24
_DEFINITIONS = (ast.FunctionDef, ast.ClassDef)

Place = tuple[ast.AST, str, int | None]


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Attributes:
        path: the source file.
        operator: what kind of fault it is.
        node: what is replaced.
        other: by what.
        place: where the node hangs in the tree: its parent, the field, and the index in it.
        scope: the definitions around it, outermost first, dotted.
        live: whether it lies in the body of a function, so that it can be put into a running one.
        lines: the first and last line of the fault.
        around: those of the statement, or of the whole definition where that is all that runs.
        tree: the module.
    """

    path: Path
    operator: str
    node: ast.AST
    other: ast.AST
    place: Place
    scope: str
    live: bool
    lines: tuple[int, int]
    around: tuple[int, int]
    tree: ast.Module

    def code(self) -> CodeType:
        """The compiled module, with the fault in it."""
        self._put(self.other)
        try:
            return compile(self.tree, str(self.path), "exec", dont_inherit=True)
        finally:
            self._put(self.node)

    @property
    def change(self) -> str:
        """``before -> after``, on one line, with as little as is needed of what stays."""
        shown = self.node if hasattr(self.node, "lineno") else self.place[0]
        before = _text(shown)
        self._put(self.other)
        after = _text(shown if shown is not self.node else self.other)
        self._put(self.node)
        return _difference(before, after)

    def _put(self, node: ast.AST) -> None:
        parent, field, index = self.place
        if index is None:
            setattr(parent, field, node)
        else:
            getattr(parent, field)[index] = node


def mutants_of(path: Path) -> list[Mutant]:
    """Every fault that can be put into a file, in the order of its lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = _Walk(path, tree).inside(tree, "", False, (1, 1))
    return sorted(found, key=lambda mutant: mutant.lines)


class _Walk:
    """Goes through a tree, and remembers on the way where it is."""

    def __init__(self, path: Path, tree: ast.Module) -> None:
        self._path, self._tree = path, tree

    def inside(
        self, parent: ast.AST, scope: str, live: bool, around: tuple[int, int]
    ) -> Iterator[Mutant]:
        for place, node in _children(parent):
            if _is_left_alone(parent, place[1], node):
                continue
            here = live or (isinstance(parent, _FUNCTIONS) and place[1] == "body")
            near = _statement(node) if here and isinstance(node, ast.stmt) else around
            name = f"{scope}.{node.name}".lstrip(".") if isinstance(node, _DEFINITIONS) else scope
            if isinstance(node, _DEFINITIONS) and not here:
                near = (_first_line(node), node.end_lineno or node.lineno)
            located = node if hasattr(node, "lineno") else parent
            lines = (getattr(located, "lineno", 1), getattr(located, "end_lineno", None) or 1)
            for operator, other in _faults(parent, place[1], node):
                ast.fix_missing_locations(ast.copy_location(other, located))
                yield Mutant(
                    self._path, operator, node, other, place, name, here, lines, near, self._tree
                )
            yield from self.inside(node, name, here, near)


def _children(parent: ast.AST) -> Iterator[tuple[Place, ast.AST]]:
    for field, value in ast.iter_fields(parent):
        if isinstance(value, ast.AST):
            yield (parent, field, None), value
        elif isinstance(value, list):
            for index, node in enumerate(value):
                if isinstance(node, ast.AST):
                    yield (parent, field, index), node


def _is_left_alone(parent: ast.AST, field: str, node: ast.AST) -> bool:
    if field in ("annotation", "returns") or isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.keyword):
        return node.arg in _LEFT_ALONE
    if isinstance(node, ast.UnaryOp) and isinstance(parent, ast.Call):
        return _name(parent.func) == "reshape"
    if isinstance(node, ast.JoinedStr):
        return any(_is_sentence(part) for part in node.values)
    if isinstance(node, ast.Assign | ast.AnnAssign):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        return ast.unparse(target) == "__all__" or _is_type(node.value)
    return _is_sentence(node) or (isinstance(node, ast.If) and "TYPE_CHECKING" in _text(node.test))


def _is_sentence(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value


def _is_type(node: ast.AST | None) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_type(node.left)
    return isinstance(node, ast.Subscript) and _name(node.value) in _GENERIC


def _faults(parent: ast.AST, field: str, node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """What can be put in the place of a node, each with the name of its kind."""
    if type(node) in _OPERATORS and not isinstance(parent, ast.UnaryOp):
        yield "operator", _OPERATORS[type(node)]()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield "sign", node.operand
    elif isinstance(node, ast.Constant):
        yield from _constants(parent, field, node)
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Dict):
        for k in range(len(node.keys)):
            yield "entry", ast.Dict(_without(node.keys, k), _without(node.values, k))
    elif isinstance(node, ast.stmt):
        yield from _statements(node)
    if field in ("test", "ifs") and isinstance(node, ast.expr) and not _is_negated(node):
        yield "condition", ast.UnaryOp(ast.Not(), node)


def _is_negated(test: ast.expr) -> bool:
    """Whether another fault turns the condition round already."""
    if isinstance(test, ast.Compare):
        return len(test.ops) == 1 and isinstance(test.ops[0], _NEGATED_BY_OPERATOR)
    return isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)


def _constants(parent: ast.AST, field: str, node: ast.Constant) -> Iterator[tuple[str, ast.AST]]:
    value = node.value
    if isinstance(value, bool):
        yield "constant", ast.Constant(not value)
    elif isinstance(value, int | float):
        yield "constant", ast.Constant(value + 1)
    elif isinstance(value, str):
        yield "string", ast.Constant(f"XX{value}")


def _calls(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    name, args = _name(node.func), node.args
    if name in _WORDS:
        yield "word", ast.Call(_renamed(node.func), args, node.keywords)
    if name not in _ORDERLESS and _can_change_places(args[:2]):
        yield "arguments", ast.Call(node.func, [args[1], args[0], *args[2:]], node.keywords)
    for k, keyword in enumerate(node.keywords):
        if keyword.arg and keyword.arg not in _LEFT_ALONE:
            yield "keyword", ast.Call(node.func, args, _without(node.keywords, k))


def _can_change_places(two: list[ast.expr]) -> bool:
    starred = any(isinstance(one, ast.Starred) for one in two)
    return not starred and len({ast.dump(one) for one in two}) == 2


def _statements(node: ast.stmt) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.Return) and not isinstance(node.value, ast.Constant | None):
        yield "return", ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Break):
        yield "statement", ast.Continue()
    elif isinstance(node, ast.Continue):
        yield "statement", ast.Break()
    elif isinstance(node, _DISPENSABLE) and not _binds_names(node):
        yield "statement", ast.Pass()


def _binds_names(node: ast.stmt) -> bool:
    """Whether what follows could not do without it."""
    return isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name | ast.Tuple)


def _renamed(function: ast.expr) -> ast.expr:
    if isinstance(function, ast.Attribute):
        renamed: ast.expr = ast.Attribute(function.value, _WORDS[function.attr], ast.Load())
    else:
        renamed = ast.Name(_WORDS[_name(function)], ast.Load())
    return ast.copy_location(renamed, function)


def _name(node: ast.AST) -> str:
    return str(getattr(node, "attr", None) or getattr(node, "id", ""))


def _without(many: list, k: int) -> list:  # type: ignore[type-arg]  # of any kind of node
    return [*many[:k], *many[k + 1 :]]


def _statement(node: ast.stmt) -> tuple[int, int]:
    """A simple statement's lines, or those of a compound one's head."""
    body = getattr(node, "body", None)
    return _first_line(node), (body[0].lineno - 1 if body else node.end_lineno or node.lineno)


def _first_line(node: ast.AST) -> int:
    marks = getattr(node, "decorator_list", None) or [node]
    return int(marks[0].lineno)


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _difference(before: str, after: str) -> str:
    shorter = min(len(before), len(after))
    head = next((k for k in range(shorter) if before[k] != after[k]), shorter)
    alike = range(shorter - head)
    tail = next((k for k in alike if before[-1 - k] != after[-1 - k]), shorter - head)
    first, behind = max(head - _CONTEXT, 0), max(tail - _CONTEXT, 0)
    cut = [text[first : len(text) - behind] for text in (before, after)]
    dots = "..." if first else "", "..." if behind else ""
    return " -> ".join(f"{dots[0]}{text}{dots[1]}" for text in cut)
