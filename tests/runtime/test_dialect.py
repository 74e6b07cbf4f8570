"""What keeps the runtime fit for old Keras and the old Pythons that go with it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from caffe2keras.runtime import dialect
from caffe2keras.runtime.dialect.keras2 import Names, NeedsKeras3, Operations, serializable
from caffe2keras.runtime.dialect.python import _strict_zip, prod

RUNTIME = Path(dialect.__file__).parents[1]
FILES = sorted(RUNTIME.rglob("*.py"))
SHARED = [path for path in FILES if "dialect" not in path.parts]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_python_3_7_reads_it(path):
    ast.parse(path.read_text(), feature_version=(3, 7))


@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.name)
def test_only_the_dialect_imports_keras(path):
    text = path.read_text()
    assert not re.search(r"^(import keras|from keras)\b", text, re.MULTILINE)


@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.name)
def test_nothing_newer_than_python_3_7_is_called(path):
    text = path.read_text()
    assert "math.prod" not in text
    assert not re.search(r"isinstance\([^()]*\|", text)
    if re.search(r"\bstrict=", text):
        assert re.search(r"from caffe2keras.runtime.dialect import .*\bzip\b", text)


def test_with_keras_3_it_is_keras_3():
    assert dialect.IS_KERAS_3
    assert dialect.keras is keras
    assert dialect.ops is keras.ops
    assert dialect.zip is zip


def test_the_strict_zip_of_old_pythons_is_strict():
    assert list(_strict_zip("ab", [1, 2], strict=True)) == [("a", 1), ("b", 2)]
    assert list(_strict_zip("ab", [1])) == [("a", 1)]
    with pytest.raises(ValueError, match="different lengths"):
        list(_strict_zip("ab", [1], strict=True))


def test_the_product_of_nothing_is_one():
    assert prod([]) == 1
    assert prod(size for size in (2, 3, 5)) == 30


def test_what_trains_says_that_it_needs_keras_3():
    class Solver(NeedsKeras3):
        pass

    registered = []
    serializable(lambda package, thing: registered.append(thing))("caffe2keras")(Solver)
    assert not registered
    with pytest.raises(NotImplementedError, match="Solver needs Keras 3"):
        Solver(0.1)


def test_an_operation_that_a_table_lacks_is_named():
    table = Operations(np)
    assert table.sqrt(4.0) == 2.0
    with pytest.raises(AttributeError, match="numpy has no while_loop"):
        _ = table.while_loop


def test_names_of_ours_stand_before_those_of_a_module():
    names = Names(np, sqrt=abs)
    assert names.sqrt(-2) == 2
    assert names.square(3) == 9
