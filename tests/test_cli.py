import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest

import caffe2keras
import caffe2keras.convert
from caffe2keras.__main__ import main
from caffe2keras.cli.main import caffe2keras as group
from caffe2keras.record import read_record


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder, and a terminal 80 characters wide."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    return folder


@pytest.fixture
def run(here, capsys):
    """Run a command line: (exit code, stdout, stderr)."""

    def call(*words):
        capsys.readouterr()
        code = main([str(word) for word in words])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def model(run, digits):
    code, _, _ = run("convert", digits / "deploy.prototxt", digits / "digits.caffemodel")
    assert code == 0
    return Path("digits.h5")


@pytest.mark.parametrize(
    "command",
    ["", "convert", "verify", "record", "batch", "predict", "inspect", "plot", "solver", "layers"],
)
def test_help_reads_well(command, run, golden):
    code, out, err = run(*command.split(), "--help")
    assert (code, err) == (0, "")
    golden(f"help/{command or 'caffe2keras'}", out)


def test_the_version_is_the_packages(run):
    assert run("--version") == (0, f"caffe2keras, version {caffe2keras.__version__}\n", "")


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_a_quick_answer_imports_no_command_and_no_numpy(option):
    code = (
        "import sys; from caffe2keras.__main__ import main; code = main(sys.argv[1:]); "
        "ours = {name for name in sys.modules if name.startswith('caffe2keras.')}; "
        "print(*sorted(ours), 'numpy' in sys.modules, file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, option], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr.split() == [
        "caffe2keras.__main__",
        "caffe2keras.cli",
        "caffe2keras.cli.group",
        "caffe2keras.cli.main",
        "caffe2keras.cli.terminal",
        "caffe2keras.errors",
        "caffe2keras.garbage",
        "caffe2keras.legible",
        "False",
    ]


def test_the_list_of_commands_says_what_each_says_of_itself():
    context = click.Context(group)
    for name, summary in group.summaries.items():
        command = group.get_command(context, name)
        assert (command.name, command.help.splitlines()[0]) == (name, summary)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["covnert"], "Did you mean 'convert'?"),
        (["convert", "--data-format", "channel_last", "x"], "Did you mean 'channels_last'?"),
        (["convert", "--outptu", "y", "x"], "Did you mean"),
        (["verify", "--orcale", "x"], "--oracle"),
    ],
)
def test_a_mistyped_word_is_answered_with_the_nearest(words, hint, run):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert hint in err


def test_a_choice_may_be_written_in_any_case(run, lopsided):
    assert run("convert", lopsided, "--phase", "test", "--format", "H5")[0] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["convert"], "Missing argument 'PROTOTXT'"),
        (["convert", "a", "b", "c"], "unexpected extra argument"),
        (["convert", "a", "--input-shape", "data"], "expected a blob and its sizes"),
        (["convert", "a", "--input-shape", "data=1,x"], "expected a blob and its sizes"),
        (["convert", "a", "--input-shape", "data=1,0,3"], "expected a blob and its sizes"),
        (["convert", "a", "--input-shape", "d=1", "--input-shape", "d=2"], "named twice"),
        (["verify", "m.h5"], "Give BLOBS recorded from Caffe, or --oracle"),
        (["verify", "m.h5", "a.npz", "b.npz"], "One file or folder of blobs"),
        (["verify", "m.h5", "--oracle", "a", "b", "c"], "PROTOTXT and WEIGHTS, nothing more"),
        (["verify", "m.h5", "a.npz", "--rtol", "-1"], "-1"),
        (["verify", "m.h5", "a.npz", "--runtime", "theano"], "--runtime and --python go together"),
        (["verify", "m.h5", "a.npz", "--runtime", "theanos"], "Did you mean 'theano'?"),
    ],
)
def test_wrong_usage_is_exit_code_two(words, message, run):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert message in err
    assert "--help" in err


def test_convert_writes_into_the_current_folder_and_says_what(run, digits, here):
    code, out, err = run("convert", digits / "deploy.prototxt", digits / "digits.caffemodel")
    assert (code, err) == (0, "")
    assert out.startswith("digits.h5: digits, 15 layers, 6,586 parameters, written in ")
    assert os.listdir(here) == ["digits.h5"]


def test_convert_talks_on_stderr(run, lopsided):
    code, out, err = run("convert", lopsided, "-o", "net.h5")
    assert code == 0
    assert "filled: weights: 4 arrays are filled" in err
    assert out.count("\n") == 1


def test_convert_can_be_quiet(run, lopsided):
    assert run("convert", lopsided, "--quiet") == (0, "", "")


def test_convert_prints_json_and_nothing_else(run, lopsided):
    code, out, err = run("convert", lopsided, "--json", "-o", "net.h5")
    assert (code, err) == (0, "")
    value = json.loads(out)
    assert value["output"] == "net.h5"
    assert value["net"] == "lopsided"
    assert value["parameters"] == 7 * 3 * 2 * 4 + 7 + 5 * 7 * 3 * 4 + 5
    assert [note["kind"] for note in value["notes"]] == ["filled"]


def test_convert_takes_an_input_shape(run, resizable):
    words = ["convert", resizable, "-q", "--input-shape", "data=4,3,17,12", "-o", "net.h5"]
    assert run(*words) == (0, "", "")
    from caffe2keras.record import read_record

    assert read_record("net.h5").inputs[0].shape == (4, 3, 17, 12)


@pytest.mark.backend
def test_convert_writes_an_archive_where_the_name_says_so(run, lopsided):
    assert run("convert", lopsided, "-q", "-o", "net.keras") == (0, "", "")
    assert Path("net.keras").read_bytes().startswith(b"PK")
    code, out, _ = run("verify", "-q", "net.keras", "--oracle", lopsided)
    assert (code, out) == (0, "net.keras: all 4 blobs agree\n")


@pytest.mark.backend
def test_verify_ends_in_zero_where_all_blobs_agree(run, model, digits):
    code, out, _ = run("verify", model, digits / "blobs.npz")
    assert code == 0
    assert out.splitlines()[0] == "digits.h5 against the blobs in blobs.npz"
    assert out.splitlines()[-1] == "OK: all 8 blobs agree"


@pytest.mark.backend
def test_verify_ends_in_seven_and_names_the_first_layer_that_differs(run, model, digits):
    with np.load(digits / "blobs.npz") as blobs:
        changed = {key: blobs[key] for key in blobs}
    changed["output/norm1"] = changed["output/norm1"] + 1
    np.savez("changed.npz", **changed)
    code, out, _ = run("verify", model, "changed.npz")
    assert code == 7
    assert 'first difference: layer "norm1", blob "norm1"' in out
    assert out.splitlines()[-1] == ('DIFFERENT: 1 of 8 blobs differ, the first in layer "norm1"')
    code, out, err = run("verify", model, "changed.npz", "--json")
    assert (code, err) == (7, "")
    assert json.loads(out)["first_different"] == {"layer": "norm1", "blob": "norm1"}
    assert run("verify", model, "changed.npz", "--rtol", "1", "-q")[0] == 0


@pytest.mark.backend
def test_verify_asks_the_oracle(run, model, digits):
    net = [digits / "deploy.prototxt", digits / "digits.caffemodel"]
    code, out, _ = run("verify", model, "--oracle", *net, "--seed", "3")
    assert code == 0
    assert "against the oracle on random inputs, seed 3" in out
    code, out, _ = run("verify", model, "--oracle", *net, "--inputs", digits / "blobs.npz")
    assert code == 0
    assert "against the oracle on the given inputs" in out


@pytest.mark.backend
def test_verify_writes_a_page_of_what_it_found(run, model, digits):
    net = [digits / "deploy.prototxt", digits / "digits.caffemodel"]
    code, out, _ = run("verify", model, "--oracle", *net, "-q", "--html", "oracle.html")
    assert (code, out) == (0, "digits.h5: all 8 blobs agree\n")
    assert "what float32 alone makes" in Path("oracle.html").read_text(encoding="utf-8")
    assert run("verify", model, digits / "blobs.npz", "-q", "--html", "stored.html")[0] == 0
    assert "no noise floor" in Path("stored.html").read_text(encoding="utf-8")
    plain = run("verify", model, "--oracle", *net, "--json")[1]
    assert run("verify", model, "--oracle", *net, "--json", "--html", "a.html")[1] == plain


def test_convert_writes_a_page_too(run, lopsided, here):
    assert run("convert", lopsided, "-q", "-o", "net.h5", "--html", "net.html")[0] == 0
    assert "4 arrays are filled" in Path("net.html").read_text(encoding="utf-8")
    before = Path("net.h5").read_bytes()
    code, _, err = run("convert", lopsided, "-q", "-o", "net.h5", "--html", "net.h5")
    assert code == 2
    assert "does not end in .html" in err
    assert Path("net.h5").read_bytes() == before


def test_inspect_ends_in_five_where_something_is_unsupported(run, digits, here):
    (here / "net.prototxt").write_text(
        'input: "data" input_shape { dim: 1 dim: 3 dim: 5 dim: 4 }\n'
        'layer { name: "magic" type: "Magic" bottom: "data" top: "magic" }\n'
    )
    code, out, err = run("inspect", "net.prototxt")
    assert (code, err) == (5, "")
    assert 'Magic, "magic" (net.prototxt:2)' in out
    code, out, _ = run("inspect", "net.prototxt", "--json")
    assert code == 5
    assert json.loads(out)["unsupported"] == {"Magic": 1}
    assert run("inspect", digits / "deploy.prototxt")[0] == 0


def test_plot_writes_a_picture_and_says_of_what(run, lopsided, here):
    code, out, err = run("plot", lopsided)
    assert (code, err) == (0, "")
    assert out == "lopsided.svg: lopsided, 6 layers in 5 boxes\n"
    assert run("plot", lopsided, "-q", "-o", "net.PNG") == (0, "", "")
    assert sorted(os.listdir(here)) == ["lopsided.svg", "net.PNG"]
    code, _, err = run("plot", lopsided, "-o", "net.pdf")
    assert code == 2
    assert "ends neither in .svg nor in .png" in err


def test_layers_lists_every_type(run):
    from caffe2keras.layer_map import support_table

    code, out, err = run("layers")
    assert (code, err) == (0, "")
    assert {row.caffe_type for row in support_table()} == {
        line.split()[0] for line in out.splitlines()[2:]
    }
    code, out, _ = run("layers", "--json")
    assert code == 0
    assert {"caffe_type", "status", "keras", "note"} == set(json.loads(out)[0])


def boom(*args, **kwargs):
    raise RuntimeError("the sky has fallen")


def test_an_internal_error_is_exit_code_one_without_a_traceback(run, monkeypatch, golden):
    monkeypatch.setattr(caffe2keras.convert, "convert", boom)
    code, out, err = run("convert", "net.prototxt")
    assert (code, out) == (1, "")
    golden("errors/internal", err)


def test_debug_shows_the_traceback(run, monkeypatch):
    monkeypatch.setattr(caffe2keras.convert, "convert", boom)
    code, _, err = run("--debug", "convert", "net.prototxt")
    assert code == 1
    assert err.startswith("Traceback (most recent call last):")
    assert "the sky has fallen" in err


def interrupt(*args, **kwargs):
    raise KeyboardInterrupt


def test_ctrl_c_is_exit_code_130_without_a_traceback(run, monkeypatch):
    monkeypatch.setattr(caffe2keras.convert, "convert", interrupt)
    code, out, err = run("convert", "net.prototxt")
    assert (code, out) == (130, "")
    assert err.split() == ["interrupted"]


SLOW = """
import signal, sys, time
# Whoever runs the tests in the background has them ignore Ctrl-C, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
import caffe2keras.convert
from caffe2keras.__main__ import main
from caffe2keras.emit import hdf5

def wait(*args):
    print("writing", flush=True)
    time.sleep(60)

hdf5.write_arrays = wait
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_a_signal_leaves_no_half_written_file(number, code, lopsided, here):
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "convert", lopsided, "-o", "net.h5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert "Traceback" not in err
    assert os.listdir(here) == []


def test_a_reader_that_goes_away_is_no_error_message(here):
    process = subprocess.Popen(
        [sys.executable, "-m", "caffe2keras", "layers", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=20)
    assert err == b""


# solver


def test_solver_says_what_compile_from_solver_would_do(run, digits):
    code, out, err = run("solver", digits / "solver.prototxt")
    assert (code, err) == (0, "")
    assert "caffe2keras.runtime.CaffeSGD(" in out
    assert "InverseDecay(base_lr=0.1, gamma=0.001, power=0.75)" in out
    assert "for 3000 updates" in out


def test_solver_answers_machines_in_json(run, digits):
    code, out, _ = run("solver", digits / "solver.prototxt", "--json")
    assert code == 0
    assert json.loads(out)["config"]["weight_decay"] == 0.0005


def test_solver_refuses_a_policy_that_caffe_does_not_know(run, here):
    Path("solver.prototxt").write_text('base_lr: 0.1 lr_policy: "cosine"', encoding="utf-8")
    code, out, err = run("solver", "solver.prototxt")
    assert (code, out) == (5, "")
    assert 'lr_policy: "cosine"' in err


PICTURES = Path(__file__).parent / "fixtures" / "pictures"


def test_predict_prints_the_five_likeliest_classes(run, digits, here):
    net = PICTURES / "digits.prototxt", digits / "digits.caffemodel"
    run("convert", *net, "-o", "d.h5", "--input-shape", "data=1,1,8,8", "--bake")
    (here / "names.txt").write_text("".join(f"digit {n}\n" for n in range(10)))
    code, out, err = run("predict", "d.h5", PICTURES / "digit-3.png", "--labels", "names.txt")
    assert (code, err) == (0, "")
    first, *found = out.splitlines()
    assert first == str(PICTURES / "digit-3.png")
    assert [line.split()[-1] for line in found] == ["1", "9", "4", "0", "2"]
    code, out, _ = run("predict", "d.h5", PICTURES / "digit-17.png", "--top", "1", "--json")
    [answer] = json.loads(out)
    assert [guess["index"] for guess in answer["classes"]] == [8]


@pytest.mark.parametrize("mean", ["3.5", "104,117,123", "mean.npy"])
def test_convert_bakes_in_a_mean(run, resizable, here, mean):
    np.save(here / "mean.npy", np.ones((3, 40, 40), np.float32))
    told = ["--mean", mean, "--scale", "0.5", "--channel-order", "rgb", "--resize", "256,300"]
    code, out, _ = run("convert", resizable, "-o", "baked.h5", *told, "--json")
    assert code == 0, out
    steps = read_record("baked.h5").preprocessing
    assert (steps.scale, steps.channel_order, steps.resize) == (0.5, "rgb", (256, 300))
    assert steps.layers


def test_convert_cuts_folds_and_halves(run, lopsided, here):
    words = ["--output", "pool", "--fold", "--dtype", "bfloat16", "--json"]
    code, out, _ = run("convert", lopsided, "-o", "cut.h5", *words)
    assert code == 0, out
    record = read_record("cut.h5")
    assert (record.outputs, record.dtype) == (("pool",), "bfloat16")
    code, _, err = run("convert", lopsided, "--output", "pol")
    assert code == 3
    assert 'no blob "pol"' in err


def test_a_size_has_a_height_and_a_width(run, resizable):
    code, _, err = run("convert", resizable, "--resize", "256")
    assert (code, "expected a height and a width" in err) == (2, True)
