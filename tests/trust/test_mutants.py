"""The faults that ``scripts/mutate`` puts into code: which, where, and that they are put right."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from mutants import Mutant, mutants_of

SOURCE = '''"""Doc."""
import os

LIMITS = {"low": 1, "high": 2}

def clipped(x: int, low: int = 0) -> int:
    """Say it in words."""
    if x < low or not x:
        raise ValueError("it is too low")
    for _ in range(3):
        x += 1
    return min(x, 9) - 1
'''


@pytest.fixture
def mutants(tmp_path: Path) -> list[Mutant]:
    path = tmp_path / "clipping.py"
    path.write_text(SOURCE)
    return mutants_of(path)


def test_every_kind_of_fault_is_tried(mutants: list[Mutant]) -> None:
    changes = {mutant.change for mutant in mutants}
    assert {
        "{'low': 1, 'high': 2} -> {'high': 2}",
        "'high' -> 'XXhigh'",
        "x < low -> x <= low",
        "x < low or not x -> x < low and (not x)",
        "not x -> x",
        "3 -> 4",
        "x += 1 -> x -= 1",
        "x += 1 -> pass",
        "min(x, 9) -> max(x, 9)",
        "return min(x, 9) - 1 -> return None",
    } <= changes


def test_what_people_read_is_left_alone(mutants: list[Mutant]) -> None:
    assert not any("words" in mutant.change for mutant in mutants)
    raised = [mutant for mutant in mutants if "too low" in mutant.change]
    assert [mutant.operator for mutant in raised] == ["statement"]


def test_bodies_of_functions_are_told_from_what_counts_on_import(mutants: list[Mutant]) -> None:
    live = {mutant.change: mutant.live for mutant in mutants}
    assert live["'high' -> 'XXhigh'"] is False
    assert live["0 -> 1"] is False  # a default
    assert live["x += 1 -> pass"] is True
    assert {mutant.scope for mutant in mutants} == {"", "clipped"}


def test_a_mutant_has_its_fault_and_leaves_none_behind(mutants: list[Mutant]) -> None:
    whole = ast.unparse(mutants[0].tree)
    for mutant in mutants:
        namespace: dict[str, object] = {}
        exec(mutant.code(), namespace)
        assert ast.unparse(mutant.tree) == whole
    (lower,) = (mutant for mutant in mutants if mutant.change == "min(x, 9) -> max(x, 9)")
    exec(lower.code(), namespace)
    assert namespace["clipped"](1) == 8  # type: ignore[operator]
