"""What a job's key depends on, and jobs whose files lie elsewhere."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from caffe2keras.batch.job import Job, key_of
from caffe2keras.batch.nearby import brought_near
from caffe2keras.batch.urls import store
from caffe2keras.errors import EmitError
from caffe2keras.plugins.loading import PluginList


@dataclass(frozen=True)
class Words:
    """A dataclass among the options."""

    mean: object
    scale: float = 1.0


@pytest.fixture
def job(net, tmp_path):
    (tmp_path / "a.npz").write_bytes(b"a")
    return Job("ape", str(net("ape")), None, str(tmp_path / "ape.h5"))


@pytest.mark.parametrize(
    "change",
    [
        {"options": {"level": 3}},
        {"options": {"stages": ("a",)}},
        {"options": {"input_shapes": {"data": (1, 3)}}},
        {"options": {"preprocessing": Words(Path("a.npz"))}},
        {"options": {"preprocessing": Words(np.array([1.0, 2.0]))}},
        {"blobs": "a.npz"},
        {"blobs": "."},
        {"weights": "a.npz"},
        {"oracle": True},
        {"checks": {"rtol": 0.5}},
        {"checks": {"inputs": "memory://job/inputs"}},
        {"plugins": ("a.npz",)},
        {"installed": PluginList(("a.npz",), True)},
        {"installed": PluginList((), False)},
    ],
)
def test_a_key_depends_on_all_that_the_result_depends_on(change, job, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store(b"numbers", "memory://job/inputs")
    if change.get("installed") is not None:
        job = replace(job, installed=PluginList((), True))
    assert len(key_of(job)) == 64
    assert key_of(replace(job, **change)) not in ("", key_of(job))


def test_a_key_depends_on_contents_and_not_on_places(job, tmp_path):
    moved = tmp_path / "elsewhere" / "ape.prototxt"
    moved.parent.mkdir()
    moved.write_bytes(Path(job.prototxt).read_bytes())
    assert key_of(replace(job, prototxt=str(moved))) == key_of(job)
    moved.write_text("other")
    assert key_of(replace(job, prototxt=str(moved))) != key_of(job)


def test_a_file_that_is_not_there_has_no_key(job):
    assert key_of(replace(job, weights="no.caffemodel")) == ""


def test_urls_are_copied_wherever_they_stand_and_the_output_goes_home(job, tmp_path):
    store(b"words", "memory://job/a/file")
    store(b"numbers", "memory://job/b/file")
    far = replace(
        job,
        weights="memory://job/a/file",
        output=(tmp_path / "out" / "ape.h5").as_uri(),
        plugins=("memory://job/b/file",),
        options={"preprocessing": Words("memory://job/b/file", 0.5), "level": 3},
    )
    with brought_near(far) as near:
        assert near.prototxt == job.prototxt
        assert Path(near.weights).name == "file"
        assert Path(near.weights).read_bytes() == b"words"
        assert Path(near.plugins[0]).read_bytes() == b"numbers"
        assert Path(near.options["preprocessing"].mean).read_bytes() == b"numbers"
        assert (near.options["preprocessing"].scale, near.options["level"]) == (0.5, 3)
        Path(near.output).write_bytes(b"model")
    assert not Path(near.weights).exists()
    assert (tmp_path / "out" / "ape.h5").read_bytes() == b"model"


def test_an_output_that_cannot_be_carried_home_is_an_error(job, tmp_path):
    (tmp_path / "file").write_text("")
    far = replace(job, output=(tmp_path / "file" / "ape.h5").as_uri())
    with pytest.raises(EmitError, match="cannot be written"), brought_near(far) as near:
        Path(near.output).write_bytes(b"model")
