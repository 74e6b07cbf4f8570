"""The same jobs on a Dask cluster: a scheduler and two workers, each a process."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from caffe2keras.batch import batch, crew
from caffe2keras.batch.job import Job
from caffe2keras.batch.urls import content_hash, fetch, read_text, store
from caffe2keras.errors import EmitError, InputError

distributed = pytest.importorskip("distributed", reason="distributed is an extra")


@pytest.fixture(scope="module")
def scheduler():
    """The address of a local one."""
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=50,
    ) as cluster:
        yield cluster.scheduler_address


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.h5")}


def test_a_cluster_gives_the_same_bytes_and_loses_no_worker_to_a_net(
    net, manifest, plugin, digits, scheduler, tmp_path
):
    source = manifest(
        {"prototxt": net("ape")},
        {"prototxt": net("crash"), "plugins": [plugin("crash")]},
        {"prototxt": net("mole"), "data_format": "channels_first"},
        {"prototxt": "no.prototxt"},
        {"prototxt": digits / "deploy.prototxt", "weights": digits / "digits.caffemodel"},
    )
    here = batch(source, tmp_path / "here", jobs=2)
    there = batch(source, tmp_path / "there", scheduler=scheduler)
    assert [one.status for one in there.nets] == [one.status for one in here.nets]
    assert [one.status for one in there.nets] == [
        *("converted", "stopped", "converted", "failed", "converted")
    ]
    assert there.exit_code == here.exit_code == 1
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert len(contents(tmp_path / "there")) == 3
    again = batch(source, tmp_path / "there", scheduler=scheduler, resume=True)
    assert [one.resumed for one in again.nets] == [True, False, True, False, True]


@pytest.mark.backend
def test_nets_lie_and_go_where_urls_say(manifest, digits, scheduler, tmp_path):
    url = digits.as_uri()
    files = {"prototxt": f"{url}/deploy.prototxt", "weights": f"{url}/digits.caffemodel"}
    source = manifest({**files, "name": "a/digits", "blobs": f"{url}/blobs.npz"}, oracle=True)
    output = (tmp_path / "out").as_uri()
    report = batch(source.as_uri(), output, scheduler=scheduler)
    [result] = report.nets
    assert result.status == "verified", result
    assert result.output == result.conversion["output"] == f"{output}/a/digits.h5"
    assert [proof["model"] for proof in result.verifications] == [result.output] * 2
    files = {"prototxt": digits / "deploy.prototxt", "weights": digits / "digits.caffemodel"}
    batch(manifest({**files, "name": "a/digits"}), tmp_path / "near")
    assert contents(tmp_path / "out") == contents(tmp_path / "near")
    again = batch(source.as_uri(), output, scheduler=scheduler, resume=True)
    assert not again.nets[0].resumed  # the manifest has changed
    again = batch(source.as_uri(), output, scheduler=scheduler, resume=True)
    assert again.nets[0].resumed


@pytest.mark.backend
def test_source_code_goes_home_with_its_weights(net, manifest, scheduler, tmp_path):
    output = (tmp_path / "out").as_uri()
    source = manifest({"name": "a", "prototxt": net("a")}, format="py", oracle=True)
    [result] = batch(source, output, scheduler=scheduler).nets
    assert (result.status, result.model) == ("verified", f"{output}/a.h5")
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"a.py", "a.h5"}
    [again] = batch(source, output, scheduler=scheduler, resume=True).nets
    assert again.resumed


def test_a_folder_at_a_url_is_searched(pair, digits, scheduler, tmp_path):
    root = pair("one", names={"deploy.prototxt": "net.prototxt"})
    pair("several", ("deploy.prototxt", "train_val.prototxt", "solver.prototxt"))
    pair("lonely", prototxts=())
    report = batch(root.as_uri() + "/", (root / "out").as_uri(), scheduler=scheduler)
    assert [(one.name, one.status) for one in report.nets] == [
        ("lonely/digits", "failed"),
        ("one/digits", "converted"),
        ("several/digits", "converted"),
    ]
    lonely, _, several = report.nets
    assert lonely.failure.where == lonely.weights
    assert lonely.weights == f"{root.as_uri()}/lonely/digits.caffemodel"
    assert several.prototxt == f"{root.as_uri()}/several/deploy.prototxt"
    assert (root / "out" / "one" / "digits.h5").exists()
    with pytest.raises(InputError, match="there is no net in this folder"):
        batch((tmp_path / "none").as_uri(), tmp_path / "out", scheduler=scheduler)


def test_a_url_that_leads_nowhere_is_its_nets_failure(net, manifest, scheduler, tmp_path):
    source = manifest(
        {"prototxt": (tmp_path / "no.prototxt").as_uri()}, {"prototxt": net("good").as_uri()}
    )
    report = batch(source, tmp_path / "out", scheduler=scheduler)
    assert [one.status for one in report.nets] == ["failed", "converted"]
    assert report.nets[0].failure.what == "this URL cannot be read"
    assert report.exit_code == 3


def test_urls_that_cannot_be_read_or_written_are_told(net, manifest, scheduler, tmp_path):
    with pytest.raises(InputError, match="this URL cannot be read"):
        batch("nonsense://nets", tmp_path / "out", scheduler=scheduler)
    (tmp_path / "file").write_text("")
    source = manifest({"prototxt": net("ape")})
    with pytest.raises(EmitError, match="cannot be written"):
        batch(source, (tmp_path / "file" / "out").as_uri(), scheduler=scheduler)


def test_a_machine_that_is_lost_is_its_nets_failure(net):
    def lost(job):
        raise ModuleNotFoundError("No module named 'caffe2keras'")

    job = Job("ape", str(net("ape")), None, "ape.h5")
    with ThreadPoolExecutor(1) as pool:
        [result] = crew._results(pool, lost, [job])
    assert (result.name, result.status, result.exit_code) == ("ape", "stopped", 1)
    assert result.failure.what == (
        "nobody could do it: ModuleNotFoundError: No module named 'caffe2keras'"
    )


def test_a_scheduler_that_does_not_answer_is_told(net, manifest, tmp_path, monkeypatch):
    monkeypatch.setattr("caffe2keras.batch.crew._PATIENCE", 1)
    with pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9"):
        batch(manifest({"prototxt": net("ape")}), tmp_path / "out", scheduler="tcp://127.0.0.1:9")


def test_no_distributed_is_told(net, manifest, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match="needs Dask's distributed, which is not installed"):
        batch(manifest({"prototxt": net("ape")}), tmp_path / "out", scheduler="tcp://x:1")


def test_no_fsspec_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(InputError, match="cannot be opened without fsspec"):
        read_text("memory://nets.toml")


def test_urls_are_read_stored_and_hashed(tmp_path):
    store(b"layer {}", "memory://here/net.prototxt")
    assert read_text("memory://here/net.prototxt") == "layer {}"
    (tmp_path / "same").write_text("layer {}")
    assert content_hash("memory://here/net.prototxt") == content_hash(tmp_path / "same")
    store(tmp_path / "same", (tmp_path / "below" / "copy").as_uri())
    fetch((tmp_path / "below").as_uri(), tmp_path / "fetched")
    assert (tmp_path / "fetched" / "copy").read_text() == "layer {}"
    assert content_hash(tmp_path / "fetched") == content_hash(tmp_path / "below")
    for url in ("memory://no/file", "nonsense://file"):
        with pytest.raises(InputError, match="this URL cannot be read"):
            content_hash(url)
        with pytest.raises(InputError, match="this URL cannot be read"):
            read_text(url)
        with pytest.raises(InputError, match="this URL cannot be read"):
            fetch(url, tmp_path / "copy")
