"""``caffe2keras batch``: what it prints, writes and ends with."""

import json
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from caffe2keras.__main__ import main


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command line in an empty folder: (exit code, stdout, stderr)."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def call(*words):
        code = main(["batch", *map(str, words)])
        return code, *capsys.readouterr()

    return call


def test_it_prints_a_line_for_each_net_and_one_that_counts(run, pair, net, manifest):
    code, out, err = run(manifest({"prototxt": net("ape")}, {"prototxt": "no"}), "-o", "out", "-j1")
    assert (code, err) == (3, "")
    ape, no, last = out.splitlines()
    assert ape == "nets/ape: converted: 76 parameters"
    assert no.startswith("no: failed: this file cannot be read: no such file or directory (")
    assert last.startswith("out: 1 of 2 nets did what was asked: 1 converted, 1 failed, in ")


def test_it_can_be_quiet_and_tells_what_is_resumed(run, net, manifest):
    source = manifest({"prototxt": net("ape")})
    code, out, _ = run(source, "-o", "out", "--quiet")
    assert (code, out.count("\n")) == (0, 1)
    code, out, _ = run(source, "-o", "out", "--resume")
    assert (code, out.splitlines()[0]) == (0, "nets/ape: unchanged: 76 parameters")


def test_options_of_convert_are_handed_on(run, net, manifest):
    code, _, _ = run(
        *(manifest({"prototxt": net("ape")}), "-o", "out", "--data-format", "channels_first"),
        *("--input-shape", "data=1,3,9,8"),
    )
    assert code == 0
    from caffe2keras.record import read_record

    record = read_record("out/nets/ape.h5")
    assert record.data_format == "channels_first"
    assert record.inputs[0].shape == (1, 3, 9, 8)


def test_a_plugin_is_loaded_in_the_workers(run, net, manifest, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from caffe2keras.plugin import *\n"
        "@infers('Mine')\n"
        "def shape(params, bottoms, tops):\n"
        "    return Inferred(tops=(bottoms[0],))\n"
        "@maps('Mine')\n"
        "def mine(layer):\n"
        '    """Nothing.\n\n    Caffe    x\n    Keras    x\n    """\n'
        "    return line(KerasLayer('Activation', {'activation': 'linear'}))\n"
    )
    path = net("own")
    path.write_text(path.read_text().replace("ReLU", "Mine"))
    assert run(manifest({"prototxt": path}), "-o", "out")[0] == 5
    code, out, _ = run(manifest({"prototxt": path}), "-o", "out", "--plugin", tmp_path / "mine.py")
    assert code == 0, out


def test_reports_are_files(run, net, manifest):
    source = manifest({"prototxt": net("ape")}, {"prototxt": "no.prototxt"})
    code, _, _ = run(source, "-o", "out", "--json", "batch.json", "--junit", "batch.xml")
    assert code == 3
    with open("batch.json", encoding="utf-8") as file:
        value = json.load(file)
    assert (value["ok"], value["exit_code"]) == (False, 3)
    assert value["counts"] == {"converted": 1, "failed": 1}
    assert [(one["name"], one["status"]) for one in value["nets"]] == [
        ("nets/ape", "converted"),
        ("no", "failed"),
    ]
    [suite] = ElementTree.parse("batch.xml").getroot()
    assert (suite.get("tests"), suite.get("errors"), suite.get("failures")) == ("2", "1", "0")


def test_a_page_shows_every_net(run, net, manifest):
    source = manifest({"prototxt": net("ape")}, {"prototxt": "no.prototxt"})
    assert run(source, "-o", "out", "--html", "batch.html")[0] == 3
    with open("batch.html", encoding="utf-8") as file:
        page = file.read()
    assert '<a href="#net0">nets/ape</a>' in page and '<a href="#net1">no</a>' in page
    assert page.count('class="net"') == 1  # the graph of the one that was converted


def test_what_was_passed_over_is_told(run, pair):
    root = pair("a")
    (root / "lone").mkdir()
    (root / "lone" / "net.prototxt").write_text(
        'input: "x" input_shape { dim: 2 } layer { name: "r" type: "ReLU" bottom: "x" top: "y" }'
    )
    code, _, err = run(root, "-o", "out")
    assert code == 0
    assert err == f"  passed over: {root / 'lone' / 'net.prototxt'}: no weights beside it\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nets"], 2, "Missing option '-o'"),
        (["nets", "-o", "out", "-j", "0"], 2, "-j"),
        (["nets", "-o", "out", "--memory", "much"], 2, "expected a size, as 500M or 2G"),
        (["nets", "-o", "out", "--memory", "0"], 2, "expected a size, as 500M or 2G"),
        (["nets", "-o", "out", "--timeout", "0"], 2, "--timeout"),
        (["nets", "-o", "out", "-j", "2", "--scheduler", "tcp://x:1"], 2, "not -j"),
        (["nets", "-o", "out", "--junit", "no/batch.xml"], 6, "there is no such folder"),
        (["nets", "-o", "out"], 3, "this file cannot be read: no such file"),
        (["nets.toml", "-o", "out"], 3, "this file cannot be read: no such file"),
        ([".", "-o", "out"], 3, "there is no net in this folder"),
    ],
)
def test_wrong_usage_is_told(words, code, message, run):
    answer, out, err = run(*words)
    assert (answer, out) == (code, "")
    assert message in err


def test_sizes_have_units(run, net, manifest):
    source = manifest({"prototxt": net("ape")})
    assert run(source, "-o", "out", "--memory", "2GiB", "--timeout", "60")[0] == 0


def test_a_script_without_a_main_guard_may_run_a_batch(net, manifest, tmp_path):
    script = tmp_path / "script.py"
    source = manifest({"prototxt": net("ape")})
    script.write_text(
        f"import caffe2keras\nprint(caffe2keras.batch({str(source)!r}, 'out', jobs=2).exit_code)\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path[:] = {sys.path!r}; exec(open('script.py').read())",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
