"""Whole batches on this machine."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import caffe2keras
from caffe2keras.batch import batch
from caffe2keras.batch.journal import NAME, open_journal
from caffe2keras.errors import EmitError, InputError, WorkerError

FIXTURES = Path(__file__).parents[1] / "fixtures" / "layers"


def by_name(report):
    return {net.name: net for net in report.nets}


def statuses(report):
    return {net.name: net.status for net in report.nets}


def test_a_folder_is_converted_into_one_like_it(pair, tmp_path):
    source = pair("first/below")
    pair("second")
    report = batch(source, tmp_path / "out", jobs=2)
    assert (report.ok, report.exit_code) == (True, 0)
    assert statuses(report) == {"first/below/digits": "converted", "second/digits": "converted"}
    assert (tmp_path / "out" / "first" / "below" / "digits.h5").exists()
    assert (tmp_path / "out" / "second" / "digits.h5").exists()


def test_a_batch_writes_what_convert_writes(pair, tmp_path, digits):
    batch(pair("one"), tmp_path / "out", data_format="channels_first")
    net = digits / "deploy.prototxt", digits / "digits.caffemodel"
    caffe2keras.convert(*net, tmp_path / "alone.h5", data_format="channels_first")
    alone = (tmp_path / "alone.h5").read_bytes()
    assert (tmp_path / "out" / "one" / "digits.h5").read_bytes() == alone


def test_results_stand_in_the_order_of_the_nets_and_come_as_they_are_done(net, manifest, tmp_path):
    nets = [{"prototxt": net(name)} for name in ("zebra", "ape", "mole")]
    told = []
    report = batch(
        manifest(*nets), tmp_path / "out", jobs=2, progress=lambda *news: told.append(news)
    )
    assert [one.name for one in report.nets] == ["nets/zebra", "nets/ape", "nets/mole"]
    assert {result.name for result, _, _ in told} == {one.name for one in report.nets}
    assert [(done, total) for _, done, total in told] == [(1, 3), (2, 3), (3, 3)]


def test_what_happens_to_one_net_happens_to_no_other(net, manifest, plugin, digits, tmp_path):
    broken = tmp_path / "broken.prototxt"
    broken.write_text("layer {")
    (tmp_path / "half.caffemodel").write_bytes((digits / "digits.caffemodel").read_bytes()[:999])
    magic = tmp_path / "magic.prototxt"
    magic.write_text(
        'input: "x" input_shape { dim: 2 } layer { type: "Magic" bottom: "x" top: "y" }'
    )
    good = {"prototxt": net("good")}
    source = manifest(
        {"name": "first", **good},
        {"name": "broken", "prototxt": broken},
        {"name": "half", "prototxt": digits / "deploy.prototxt", "weights": "half.caffemodel"},
        {"name": "magic", "prototxt": magic},
        {"name": "crash", **good, "plugins": [plugin("crash")]},
        {"name": "leave", **good, "plugins": [plugin("leave")]},
        {"name": "sleep", **good, "plugins": [plugin("sleep")]},
        {"name": "last", **good},
    )
    report = batch(source, tmp_path / "out", jobs=2, timeout=5)
    assert {one.name: (one.status, one.exit_code) for one in report.nets} == {
        "first": ("converted", 0),
        "broken": ("failed", 3),
        "half": ("failed", 3),
        "magic": ("failed", 5),
        "crash": ("stopped", 1),
        "leave": ("stopped", 1),
        "sleep": ("stopped", 1),
        "last": ("converted", 0),
    }
    assert report.exit_code == 1
    assert report.verdict() == ("2 of 8 nets did what was asked: 2 converted, 3 failed, 3 stopped")
    results = by_name(report)
    assert results["crash"].failure.kind == WorkerError.__name__
    assert results["crash"].failure.what == "the process crashed: SIGSEGV"
    assert results["crash"].printed.startswith("my last words\nFatal Python error")
    assert results["leave"].failure.what == "the process ended by itself with exit code 3"
    assert results["sleep"].failure.what == "the net was stopped after 5 s"
    assert results["broken"].failure.where.startswith(str(broken))
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == [NAME, "first.h5", "last.h5"]


def test_no_process_is_its_nets_failure(net, manifest, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    [result] = batch(manifest({"prototxt": net("ape")}), tmp_path / "out").nets
    assert (result.status, result.exit_code) == ("stopped", 1)
    assert result.failure.what.startswith("no process could be started: ")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc to watch memory by")
def test_a_net_that_takes_too_much_memory_is_stopped(net, manifest, plugin, tmp_path):
    good = {"prototxt": net("good")}
    source = manifest(
        {"name": "hoard", **good, "plugins": [plugin("hoard")]}, {"name": "last", **good}
    )
    report = batch(source, tmp_path / "out", jobs=1, memory=400 << 20)
    assert statuses(report) == {"hoard": "stopped", "last": "converted"}
    failure = by_name(report)["hoard"].failure
    assert failure.what.startswith("the net was stopped when its process held 4")
    assert failure.why == "the ceiling is 400 MB"


def test_memory_that_cannot_be_watched_is_refused(pair, tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "exists", lambda path: False)
    with pytest.raises(InputError, match="cannot be watched on this system"):
        batch(tmp_path, tmp_path / "out", memory=1 << 30)


def test_the_smallest_exit_code_is_the_batches(net, manifest, tmp_path):
    (tmp_path / "cycle.prototxt").write_text(
        'input: "x" input_shape { dim: 2 }'
        'layer { name: "a" type: "ReLU" bottom: "z" top: "y" }'
        'layer { name: "b" type: "ReLU" bottom: "y" top: "z" }'
    )
    (tmp_path / "magic.prototxt").write_text(
        'input: "x" input_shape { dim: 2 } layer { type: "Magic" bottom: "x" top: "y" }'
    )
    nets = [{"prototxt": name} for name in ("magic.prototxt", "cycle.prototxt")]
    report = batch(manifest(*nets, {"prototxt": net("good")}), tmp_path / "out", jobs=1)
    assert [one.exit_code for one in report.nets] == [5, 4, 0]
    assert report.exit_code == 4


# Verification


@pytest.fixture
def wrong_blobs(tmp_path, digits):
    with np.load(digits / "blobs.npz") as blobs:
        arrays = {name: blobs[name] for name in blobs}
    arrays["output/norm1"] = arrays["output/norm1"] + 1
    np.savez(tmp_path / "wrong.npz", **arrays)
    return tmp_path / "wrong.npz"


@pytest.mark.backend
def test_nets_are_verified_as_asked(manifest, digits, wrong_blobs, tmp_path):
    files = {"prototxt": digits / "deploy.prototxt", "weights": digits / "digits.caffemodel"}
    report = batch(
        manifest(
            {**files, "name": "recorded", "blobs": digits / "blobs.npz"},
            {**files, "name": "both", "blobs": digits / "blobs.npz", "oracle": True, "seed": 3},
            {**files, "name": "wrong", "blobs": wrong_blobs},
            {**files, "name": "tolerated", "blobs": wrong_blobs, "rtol": 1},
            {**files, "name": "unasked"},
            {**files, "name": "missing", "blobs": "no.npz"},
        ),
        tmp_path / "out",
        jobs=2,
    )
    assert {one.name: (one.status, one.exit_code) for one in report.nets} == {
        "recorded": ("verified", 0),
        "both": ("verified", 0),
        "wrong": ("different", 7),
        "tolerated": ("verified", 0),
        "unasked": ("converted", 0),
        "missing": ("failed", 3),
    }
    results = by_name(report)
    assert [proof["witness"] for proof in results["both"].verifications] == [
        "the blobs in blobs.npz",
        "the oracle on random inputs, seed 3",
    ]
    assert results["wrong"].explain() == '1 of 8 blobs differ, the first in layer "norm1"'
    assert results["missing"].conversion is not None
    assert report.exit_code == 3


# What stays when it is run again


@pytest.fixture
def two(net, manifest, tmp_path):
    """A batch of two nets, done once; runs it again."""
    net("ape"), net("mole")

    def again(resume=True, source=None, **options):
        listed = source or manifest({"prototxt": "nets/ape.prototxt"}, {"prototxt": net("mole")})
        return batch(listed, tmp_path / "out", jobs=1, resume=resume, **options)

    again(resume=False)
    return again


def resumed(report):
    return {Path(one.name).name for one in report.nets if one.resumed}


def test_what_is_unchanged_is_left_alone(two, tmp_path):
    before = (tmp_path / "out/nets/ape.h5").stat().st_mtime_ns
    report = two()
    assert report.ok
    assert resumed(report) == {"ape", "mole"}
    assert (tmp_path / "out/nets/ape.h5").stat().st_mtime_ns == before
    assert report.verdict().endswith("2 converted, 2 of them done before")


def test_without_resume_everything_is_done_anew(two):
    assert resumed(two(resume=False)) == set()


def test_a_changed_source_is_converted_again(two, tmp_path):
    path = tmp_path / "nets" / "ape.prototxt"
    path.write_text(path.read_text().replace("num_output: 4", "num_output: 6"))
    report = two()
    assert resumed(report) == {"mole"}
    assert by_name(report)["nets/ape"].conversion["parameters"] == 6 * 3 * 3 * 2 + 6
    assert resumed(two()) == {"ape", "mole"}


def test_a_changed_option_converts_again(two):
    assert resumed(two(data_format="channels_first")) == set()
    assert resumed(two(data_format="channels_first")) == {"ape", "mole"}


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"damaged")])
def test_an_output_that_is_gone_or_damaged_is_written_again(change, two, tmp_path):
    output = tmp_path / "out" / "nets" / "ape.h5"
    whole = output.read_bytes()
    change(output)
    assert resumed(two()) == {"mole"}
    assert output.read_bytes() == whole


def test_source_code_is_whole_only_with_its_weights(two, tmp_path):
    report = two(format="py")
    assert {Path(one.model).name for one in report.nets} == {"ape.h5", "mole.h5"}
    assert resumed(two(format="py")) == {"ape", "mole"}
    (tmp_path / "out" / "nets" / "ape.h5").write_bytes(b"damaged")
    assert resumed(two(format="py")) == {"mole"}


def test_another_version_converts_again(two, monkeypatch):
    monkeypatch.setattr("caffe2keras.batch.job.__version__", "99")
    assert resumed(two()) == set()


def test_a_net_that_failed_is_tried_again(net, manifest, tmp_path):
    source = manifest({"prototxt": "nets/late.prototxt"}, {"prototxt": net("good")})
    assert statuses(batch(source, tmp_path / "out")) == {
        "nets/late": "failed",
        "nets/good": "converted",
    }
    net("late")
    report = batch(source, tmp_path / "out", resume=True)
    assert report.ok
    assert resumed(report) == {"good"}


def test_a_line_that_breaks_off_is_no_result(two, tmp_path):
    path = tmp_path / "out" / NAME
    text = path.read_text()
    path.write_text(text[:-40])
    assert resumed(two()) == {"ape"}
    assert resumed(two()) == {"ape", "mole"}


@pytest.mark.parametrize("text", ["", "something else\n", '{"caffe2keras-batch": 99}\n{}\n'])
def test_a_journal_that_is_not_ours_resumes_nothing(text, two, tmp_path):
    (tmp_path / "out" / NAME).write_text(text)
    assert resumed(two()) == set()
    assert resumed(two()) == {"ape", "mole"}


def test_two_batches_in_one_folder_are_refused(two, tmp_path):
    journal = open_journal(str(tmp_path / "out"), resume=True)
    with pytest.raises(EmitError, match="another batch is at work in"):
        two()
    journal.close()
    assert two().ok


def test_a_result_that_cannot_be_kept_is_an_error(two, tmp_path):
    journal = open_journal(str(tmp_path / "out"), resume=True)
    [result, _] = journal.before.values()
    journal.close()
    with pytest.raises(EmitError, match="cannot be written: Bad file descriptor"):
        journal.add(result)


def test_an_output_that_cannot_be_written_is_told_before_any_work(two, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EmitError, match="cannot be written"):
        batch(tmp_path / "nets.json", tmp_path / "file")


def processes_of(text):
    """The processes whose command line holds a text (Linux)."""
    found = set()
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes()
        except OSError:  # it has ended
            continue
        if text.encode() in words:
            found.add(int(place.parent.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="processes are counted in /proc")
def test_killed_halfway_and_resumed_it_converts_only_the_rest(net, manifest, plugin, tmp_path):
    early = [{"prototxt": net(f"net{number}")} for number in range(3)]
    late = {"prototxt": net("late"), "plugins": [plugin("sleep")]}
    words = ["batch", manifest(*early, late), "-o", tmp_path / "out", "-j", "1"]
    marked = str(tmp_path / "marked")  # on the path of the process and of its worker
    process = subprocess.Popen(
        [sys.executable, "-m", "caffe2keras", *map(str, words)],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, marked])},
    )
    journal = tmp_path / "out" / NAME
    deadline = time.monotonic() + 60
    while not journal.exists() or journal.read_text().count("\n") < 4:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    while processes_of(marked):
        assert time.monotonic() < deadline, "the worker lives on"
        time.sleep(0.05)
    report = batch(manifest(*early, {"prototxt": net("late")}), tmp_path / "out", resume=True)
    assert report.ok
    assert resumed(report) == {"net0", "net1", "net2"}


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_a_signal_ends_the_batch_and_all_its_processes(
    number, code, net, manifest, plugin, tmp_path
):
    nets = [
        {"prototxt": net("quick")},
        {"prototxt": net("late"), "plugins": [plugin("sleep")]},
        {"prototxt": net("never"), "plugins": [plugin("sleep")]},
    ]
    marked = str(tmp_path / "marked")
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENING, "batch", manifest(*nets), "-o", tmp_path / "out", "-j1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, marked])},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "nets/quick: converted: 76 parameters\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert "Traceback" not in err
    assert processes_of(marked) == set()


LISTENING = """
import signal, sys
# Whoever runs the tests in the background has them ignore Ctrl-C, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
from caffe2keras.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


# Many nets of many kinds


def test_every_kind_of_net_in_one_batch_and_three_broken_ones_among_them(tmp_path):
    cases = sorted(FIXTURES.glob("*-000"))[::4]
    nets = [
        {
            "name": case.name,
            "prototxt": str(case / "net.prototxt"),
            "weights": str(case / "net.caffemodel"),
        }
        for case in cases
        if (case / "net.caffemodel").exists()
    ]
    shutil.copy(FIXTURES / "absval-000" / "net.prototxt", tmp_path / "absval.prototxt")
    (tmp_path / "no.caffemodel").write_bytes(b"")
    (tmp_path / "no.prototxt").write_text("layer {")
    nets.insert(1, {"prototxt": "missing.prototxt"})
    nets.insert(2, {"name": "empty", "prototxt": "absval.prototxt", "weights": "no.caffemodel"})
    nets.append({"name": "unclosed", "prototxt": "no.prototxt"})
    (tmp_path / "nets.json").write_text(json.dumps({"nets": nets}))
    report = batch(tmp_path / "nets.json", tmp_path / "out", jobs=2)
    assert {one.name for one in report.nets if not one.ok} == {"missing", "empty", "unclosed"}
    assert report.exit_code == 3
    assert [one["name"] for one in report.to_json()["nets"]] == [
        net.get("name", "missing") for net in nets
    ]
    json.dumps(report.to_json(), allow_nan=False)
