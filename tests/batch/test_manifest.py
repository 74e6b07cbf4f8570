"""What a manifest may say, and where it is told what it may not."""

import json
import sys
from pathlib import Path

import pytest

import caffe2keras
from caffe2keras.batch import batch
from caffe2keras.batch.manifest import read_manifest
from caffe2keras.batch.options import Misfit, conform, convert_options
from caffe2keras.errors import InputError, ManifestError

TOML = """
[defaults]
data_format = "channels_first"
stages = ["deploy", "fast"]

[[nets]]
prototxt = "one/net.prototxt"
weights = "one/net.caffemodel"
blobs = "one/blobs.npz"
input_shapes = { data = [1, 3, 5, 4] }

[[nets]]
name = "second"
prototxt = "/two.prototxt"
data_format = "channels_last"
rtol = 1
plugins = ["mine.py"]
"""


@pytest.fixture
def read(tmp_path):
    """Write a manifest and read it."""

    def call(text, ending="toml"):
        path = tmp_path / f"nets.{ending}"
        path.write_text(text, encoding="utf-8")
        return read_manifest(str(path))

    return call


def expected(base):
    shared = {"stages": ("deploy", "fast")}
    return [
        {
            **shared,
            "name": "one/net",
            "data_format": "channels_first",
            "prototxt": base / "one/net.prototxt",
            "weights": base / "one/net.caffemodel",
            "blobs": base / "one/blobs.npz",
            "input_shapes": {"data": (1, 3, 5, 4)},
        },
        {
            **shared,
            "name": "second",
            "data_format": "channels_last",
            "prototxt": Path("/two.prototxt"),
            "rtol": 1.0,
            "plugins": (base / "mine.py",),
        },
    ]


def test_paths_start_from_the_manifest_and_a_net_goes_before_the_defaults(read, tmp_path):
    assert read(TOML) == expected(tmp_path)


def test_the_three_languages_say_the_same(read, tmp_path):
    yaml = pytest.importorskip("yaml", reason="PyYAML is an extra")
    import tomllib

    value = tomllib.loads(TOML)
    assert read(json.dumps(value), "json") == expected(tmp_path)
    assert read(yaml.safe_dump(value), "yaml") == expected(tmp_path)
    assert read(yaml.safe_dump(value), "YML") == expected(tmp_path)


def test_every_option_of_convert_can_be_said():
    import inspect

    parameters = inspect.signature(caffe2keras.convert).parameters.values()
    named = {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}
    assert set(convert_options()) == named - {"progress"}


NET = '[[nets]]\nprototxt = "n.prototxt"\n'


@pytest.mark.parametrize(
    ("text", "where", "what", "hint"),
    [
        (
            NET + 'data_fromat = "channels_last"',
            ":3: nets[0].data_fromat",
            'unknown key "data_fromat"',
            'did you mean "data_format"',
        ),
        (
            NET + 'data_format = "channel_last"',
            ":3: nets[0].data_format",
            'expected one of "channels_last", "channels_first", received "channel_last"',
            'did you mean "channels_last"',
        ),
        ("[default]\n" + NET, ": default", 'unknown key "default"', 'did you mean "defaults"?'),
        ("[defaults]\nweights = 'a'\n" + NET, ":2: defaults.weights", "unknown key", "known are"),
        (NET + "level = true", ":3: nets[0].level", "a whole number, received true", ""),
        (NET + "stages = 'a'", ":3: nets[0].stages", 'expected a list, received "a"', ""),
        (NET + "stages = ['a', 3]", "nets[0].stages[1]", "expected text, received 3", ""),
        (NET + "oracle = 1", ":3: nets[0].oracle", "true or false, received 1", ""),
        (NET + "input_shapes = [3]", "nets[0].input_shapes", "expected a table", ""),
        (
            NET + "input_shapes = { data = [1, 2.5] }",
            "nets[0].input_shapes.data[1]",
            "expected a whole number, received 2.5",
            "",
        ),
        (NET + "rtol = 'x'", "nets[0].rtol", 'expected a number, received "x"', ""),
        (NET + "weights = 3", "nets[0].weights", "expected a path, received 3", ""),
        (
            NET + "preprocessing = { scal = 2 }",
            "nets[0].preprocessing.scal",
            'unknown key "scal"',
            'did you mean "scale"',
        ),
        (NET + "preprocessing = 2", "nets[0].preprocessing", "expected a table", ""),
        ("[[nets]]\nweights = 'a'", ": nets[0]", 'the key "prototxt" is missing', ""),
        (NET + "name = '../up'", "nets[0].name", '"../up" is no name', ""),
        (NET + "name = '/up'", "nets[0].name", '"/up" is no name', ""),
        (NET + NET, "nets[1].name", 'nets[0] and nets[1] are both called "n"', 'another "name"'),
        ("", "nets.toml", "there are no nets", "[[nets]]"),
        ("nets = []", "nets.toml", "there are no nets", "[[nets]]"),
        ("nets = [3]", "nets[0]", "expected a table, received 3", ""),
        ("nets = [", "nets.toml", "this is no TOML:", ""),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(text, where, what, hint, read):
    with pytest.raises(ManifestError) as caught:
        read(text)
    assert what in caught.value.what
    assert where in caught.value.where
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "ending", "what"),
    [
        ("{", "json", "this is no JSON: "),
        ('{"nets": [{"prototxt": "a", "prototxt": "b"}]}', "json", '"prototxt" stands twice'),
        ("[]", "json", "expected a table, received []"),
        ("nets: [", "yaml", "this is no YAML: "),
        ("nets: 1\nnets: 2", "yaml", '"nets" stands twice'),
        ("nets: !!python/object:os.system {}", "yaml", "this is no YAML: "),
        ("", "txt", "a manifest ends in one of .toml, .json, .yaml, .yml"),
    ],
)
def test_what_cannot_be_parsed_is_told(text, ending, what, read):
    with pytest.raises(ManifestError) as caught:
        read(text, ending)
    assert what in caught.value.what


def test_yaml_without_pyyaml_is_told(read, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ManifestError, match="needs PyYAML, which is not installed"):
        read("nets: []", "yaml")


def test_a_manifest_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(ManifestError, match="cannot be read: no such file"):
        read_manifest(str(tmp_path / "no.toml"))
    (tmp_path / "latin.toml").write_bytes(b'x = "\xe9"')
    with pytest.raises(ManifestError, match="UTF-8"):
        read_manifest(str(tmp_path / "latin.toml"))


def test_options_for_all_nets_are_below_the_manifests(net, manifest, tmp_path):
    source = manifest(
        {"prototxt": net("own"), "missing": "fill"}, {"prototxt": net("free")}, missing="fill"
    )
    assert batch(source, tmp_path / "out", missing="refuse", format="h5").ok
    with pytest.raises(InputError, match='expected one of "refuse", "fill"'):
        batch(source, tmp_path / "out", missing="ignore")
    with pytest.raises(TypeError, match="unexpected keyword argument 'mising'"):
        batch(source, tmp_path / "out", mising="fill")
    with pytest.raises(ValueError, match="leave out jobs"):
        batch(source, tmp_path / "out", jobs=2, scheduler="tcp://127.0.0.1:1")


def test_a_pair_has_its_length():
    assert conform([3, 4], tuple[int, int]) == (3, 4)
    with pytest.raises(Misfit, match="expected 2 values, received 3"):
        conform([3, 4, 5], tuple[int, int])


def test_urls_are_for_clusters(manifest, tmp_path):
    with pytest.raises(InputError, match='the weights of net "n" is a URL: s3://bucket/w'):
        batch(
            manifest({"name": "n", "prototxt": "n.prototxt", "weights": "s3://bucket/w"}),
            tmp_path / "out",
        )
    with pytest.raises(InputError, match="the output is a URL"):
        batch(tmp_path, "memory://out")
