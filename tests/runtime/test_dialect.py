"""What keeps the runtime fit for old Keras and the old Pythons that go with it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from caffe2keras.runtime import dialect
from caffe2keras.runtime.dialect.keras2 import Names, NeedsKeras3, NeedsKeras3Error, Operations
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


def test_what_needs_keras_3_says_so_when_it_is_made_or_read():
    class Solver(NeedsKeras3):
        pass

    with pytest.raises(NotImplementedError, match=r"^Solver needs Keras 3\. Take an environment"):
        Solver(0.1)
    with pytest.raises(NotImplementedError, match=r"^Solver needs Keras 3"):
        Solver.from_config({"learning_rate": 0.1}, custom_objects=None)


def test_what_another_keras_says_around_it_stays():
    # tf.keras makes the error anew, of the same class, with more lines
    said = f"Exception encountered when calling layer:\n\n{NeedsKeras3Error('ReNet')}"
    assert str(NeedsKeras3Error(said)) == said


def test_an_operation_that_the_tables_lack_is_named():
    table = Operations(SimpleNamespace(__all__=["sqrt"], sqrt=np.sqrt, other=np.exp))
    assert table.sqrt(4.0) == 2.0
    for name in ("other", "while_loop"):
        with pytest.raises(AttributeError, match=rf"no ops.{name}: what asks for it needs Keras 3"):
            getattr(table, name)


# What only trains, which old Kerases have in another form; the layers there say LayerOfKeras3.
OF_KERAS_3 = (
    "accuracy",
    "base_loss",
    "base_mdlstm",
    "base_solver",
    "class_losses",
    "distance_losses",
    "lr_multiplier",
    "mdlstm",
    "renet",
    "schedules",
    "solvers",
)


def names_in_table(dialect_name: str) -> list[str]:
    """All that the modules of a table have, which cannot be imported here."""
    parts = ("ops", "shapes", "places", "windows", "loops")
    trees = [
        ast.parse((RUNTIME / "dialect" / f"{dialect_name}_{part}.py").read_text()) for part in parts
    ]
    listed = [
        ast.literal_eval(node.value)
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    return [name for names in listed for name in names]


@pytest.mark.parametrize("dialect_name", ["theano", "tensorflow"])
def test_every_operation_that_a_layer_asks_for_is_in_the_tables(dialect_name):
    trees = [ast.parse(path.read_text()) for path in SHARED if path.stem not in OF_KERAS_3]
    found = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    asked = {node.attr for node in found if ast.unparse(node.value) == "ops"}
    assert asked <= set(names_in_table(dialect_name))


def test_the_tables_have_the_same_operations_once():
    theano, tensorflow = names_in_table("theano"), names_in_table("tensorflow")
    assert sorted(theano) == sorted(tensorflow)
    assert len(theano) == len(set(theano))


def test_layers_of_keras_3_are_layers():
    assert dialect.LayerOfKeras3 is keras.Layer


def test_names_of_ours_stand_before_those_of_a_module():
    names = Names(np, sqrt=abs)
    assert names.sqrt(-2) == 2
    assert names.square(3) == 9
