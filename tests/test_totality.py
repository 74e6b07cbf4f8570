"""A roll-call: what one part of the house knows, the others know too."""

import ast
import configparser
import importlib.machinery
import importlib.util
import inspect
import re
from pathlib import Path

import pytest

import caffe2keras
from caffe2keras import errors, shapes
from caffe2keras.layer_map.registry import mappings
from caffe2keras.shapes.registry import known_types as shaped_types
from caffe2keras.verify.oracle import known_types as computed_types

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "caffe2keras"
TESTS = ROOT / "tests"

MAPPED = sorted(mappings())
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if not path.stem.endswith("_pb2"))


def relative(path):
    return path.relative_to(ROOT).as_posix()


def read_all(paths):
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(paths))


def types_in(text):
    return set(re.findall(r'\btype:\s*"(\w+)"', text))


# Layer types


@pytest.mark.parametrize("kind", MAPPED)
def test_every_mapped_type_has_a_shape_rule(kind):
    assert kind in shaped_types()


@pytest.mark.parametrize("kind", MAPPED)
def test_every_mapped_type_has_an_oracle_function(kind):
    assert kind in computed_types()


@pytest.fixture(scope="module")
def tried():
    """The types of all layers in the fixtures and in the tests of the mappings."""
    recorded = types_in(read_all(TESTS.glob("fixtures/*/*/net.prototxt")))
    return recorded | types_in(read_all(TESTS.glob("layer_map/**/*.py")))


@pytest.mark.parametrize("kind", MAPPED)
def test_every_mapped_type_has_a_case(kind, tried):
    assert kind in tried


@pytest.mark.parametrize("kind", MAPPED)
@pytest.mark.parametrize("section", ["Caffe", "Keras"])
def test_every_mapping_says_what_it_is_in_caffe_and_in_keras(kind, section):
    docstring = inspect.getdoc(mappings()[kind].mapper) or ""
    assert re.search(rf"^{section} {{2,6}}\S", docstring, re.MULTILINE)


def test_every_layer_of_ours_that_a_mapping_names_is_in_the_runtime_and_tested_there():
    from caffe2keras import runtime

    named = set(re.findall(r'"caffe2keras>(\w+)"', read_all(PACKAGE.glob("layer_map/*.py"))))
    assert named <= set(runtime.__all__)
    tests = read_all(TESTS.glob("runtime/test_*.py"))
    assert [name for name in runtime.__all__ if not re.search(rf"\b{name}\b", tests)] == []


# Families: nothing depends on what lies in a folder, so each file must be listed


@pytest.mark.parametrize(
    ("package", "decorator"),
    [(caffe2keras.layer_map, "maps"), (shapes, "infers"), (caffe2keras.verify.oracle, "computes")],
    ids=["layer_map", "shapes", "oracle"],
)
def test_every_family_is_in_its_packages_list(package, decorator):
    folder = Path(package.__file__).parent
    families = {
        path.stem
        for path in folder.glob("*.py")
        if re.search(rf"^@{decorator}\(", path.read_text(), re.MULTILINE)
    }
    assert families <= set(package.__all__)


# Errors


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_class_is_raised_in_a_test(name):
    uses = re.compile(rf"\b{name}\b")
    files = [path for path in TESTS.rglob("test_*.py") if path != Path(__file__)]
    assert any(uses.search(path.read_text(encoding="utf-8")) for path in files)


def sample(kind):
    """An error of this class with everything it can tell."""
    known = inspect.signature(kind).parameters
    lists = {"mismatches": ("the first of two", "the second"), "refusals": ("the only one",)}
    parts = {
        "what": "what is wrong",
        "where": "net.prototxt:3",
        "why": "the reason",
        "hint": "a way",
    }
    return kind(**parts, **{name: lines for name, lines in lists.items() if name in known})


def test_every_error_class_has_a_golden_message(golden):
    kinds = [getattr(errors, name) for name in errors.__all__]
    golden(
        "errors/family",
        "\n".join(f"{k.__name__}, {k.exit_code}: {sample(k)}" for k in kinds) + "\n",
    )


def test_the_tree_in_the_docstring_is_the_family():
    drawn = re.findall(r"([A-Z]\w+Error)\b {2,}", errors.__doc__)
    assert sorted(drawn) == errors.__all__


# Names


REGISTRIES = {"maps", "infers", "computes"}


def with_branches(body):
    """The statements, and those in the branches of an if among them."""
    for node in body:
        yield node
        if isinstance(node, ast.If):
            yield from with_branches([*node.body, *node.orelse])


def names_in(path):
    """A module's functions and classes, all names it has, and its __all__ (None without one).

    What stands in a registry is found there, and need not be declared.
    """
    defined, known, declared = set(), set(), None
    for node in with_branches(ast.parse(path.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            calls = (item.func for item in node.decorator_list if isinstance(item, ast.Call))
            registered = REGISTRIES & {call.id for call in calls if isinstance(call, ast.Name)}
            (known if registered else defined).add(node.name)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            known.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {
                node.id for one in targets for node in ast.walk(one) if isinstance(node, ast.Name)
            }
            known |= names
            declared = ast.literal_eval(node.value) if names == {"__all__"} else declared
    return defined, defined | known, declared


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_every_module_declares_its_functions_and_classes(path):
    defined, known, declared = names_in(path)
    public = {name for name in defined if not name.startswith("_")}
    assert public <= set(declared or ())
    if path != PACKAGE / "__init__.py":  # it imports what it declares when asked to
        assert set(declared or ()) <= known


def test_the_wall_around_the_runtime_names_every_other_room():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    forbidden = config["importlinter:contract:runtime-alone"]["forbidden_modules"].split()
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    rooms -= {"__init__", "__main__", "__pycache__", "runtime"}
    assert set(forbidden) == {"google", *(f"caffe2keras.{room}" for room in rooms)}


# Documents


@pytest.fixture(scope="module")
def tables():
    """The script that prints the README's tables."""
    loader = importlib.machinery.SourceFileLoader("tables", str(ROOT / "scripts" / "tables"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tables", loader))
    loader.exec_module(module)
    return module


def test_the_readme_has_the_tables_that_the_code_prints(tables):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    current = tables.with_tables(text) == text  # a bool: the two texts would fill screens
    assert current, "scripts/check --write"
