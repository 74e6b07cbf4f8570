import inspect
import subprocess
import sys

import pytest

import caffe2keras


def python(code, *arguments):
    """Run a program in a fresh Python; its output."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_public_words_are_these():
    assert caffe2keras.__all__ == [
        "BackendError",
        "Caffe2KerasError",
        "EmitError",
        "GraphError",
        "InputError",
        "UnsupportedError",
        "VerificationError",
        "__version__",
        "batch",
        "compile_from_solver",
        "convert",
        "load_model",
        "load_plugin",
        "record_blobs",
        "restore_solverstate",
        "to_keras",
        "verify",
    ]
    assert set(caffe2keras.__all__) <= set(dir(caffe2keras))


@pytest.mark.parametrize("word", caffe2keras.__all__)
def test_every_public_word_means_something(word):
    assert getattr(caffe2keras, word)


def test_an_unknown_word_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'caffe2keras' has no attribute 'transmute'"):
        caffe2keras.transmute  # noqa: B018  looking is the test


@pytest.mark.parametrize(
    "first",
    [
        "pass",
        "import caffe2keras.convert, caffe2keras.verify",
        "from caffe2keras.convert import load_net; from caffe2keras.verify import compare",
    ],
)
def test_convert_and_verify_can_be_called_whoever_imported_what_before(first):
    code = f"""
{first}
import caffe2keras
from caffe2keras import convert, verify
for word in (convert, verify, caffe2keras.convert, caffe2keras.verify):
    try:
        word("no.prototxt", "no.file")
    except caffe2keras.InputError:
        print("called")
"""
    assert python(code).split() == ["called"] * 4


def test_a_module_that_is_called_has_the_signature_of_its_function():
    from caffe2keras.convert import convert

    assert inspect.signature(caffe2keras.convert) == inspect.signature(convert)


def test_import_caffe2keras_imports_nothing_heavy():
    code = "import sys, caffe2keras; print(*sys.modules)"
    assert not {"numpy", "google.protobuf", "h5py", "keras", "click"} & set(python(code).split())


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["convert", "--help"]])
def test_help_imports_nothing_but_click(words):
    code = """
import sys
from caffe2keras.__main__ import main
main(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
sys.exit(bool({"numpy", "google.protobuf", "h5py", "keras", "tqdm"} & set(sys.modules)))
"""
    python(code, *words)


@pytest.mark.parametrize("command", ["convert", "inspect", "layers"])
def test_keras_is_imported_by_none_that_does_not_compute(command, digits, tmp_path):
    code = """
import sys
from caffe2keras.__main__ import main
code = main(sys.argv[1:])
sys.exit(code or "keras" in sys.modules or "caffe2keras.runtime" in sys.modules)
"""
    net = [digits / "deploy.prototxt", digits / "digits.caffemodel"]
    words = {
        "convert": ["convert", *net, "-o", tmp_path / "digits.h5"],
        "inspect": ["inspect", *net],
        "layers": ["layers"],
    }
    python(code, *words[command])
