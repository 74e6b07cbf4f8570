"""BatchNorm, Scale and Bias go into the weights before them, and the numbers stay."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from caffe2keras.convert import convert, load_net
from caffe2keras.errors import InputError
from caffe2keras.verify.oracle import run

DATA = 'input: "data" input_shape { dim: 2 dim: 6 dim: 7 dim: 5 }\n'
GAUSS = '{ type: "gaussian" std: 0.5 }'
POSITIVE = '{ type: "uniform" min: 0.5 max: 2 }'


def producer(kind: str, group: int, bias: bool) -> str:
    shared = (
        f"num_output: 4 bias_term: {str(bias).lower()} weight_filler {GAUSS} bias_filler {GAUSS}"
    )
    if kind.startswith("InnerProduct"):
        params = f"inner_product_param {{ {shared} transpose: {str(kind.endswith('T')).lower()} }}"
        kind = "InnerProduct"
    else:
        params = f"convolution_param {{ {shared} kernel_h: 3 kernel_w: 2 group: {group} }}"
    return f'layer {{ name: "p" type: "{kind}" bottom: "data" top: "p" {params} }}\n'


def step(kind: str, name: str, bottom: str, top: str, more: str = "") -> str:
    params = {
        "BatchNorm": "batch_norm_param { eps: 0.25 }",
        "Scale": f"scale_param {{ bias_term: true filler {POSITIVE} bias_filler {GAUSS} }}",
        "Bias": f"bias_param {{ filler {GAUSS} }}",
        "ReLU": "",
    }[kind]
    blobs = f'bottom: "{bottom}" top: "{top}"'
    return f'layer {{ name: "{name}" type: "{kind}" {blobs} {params} {more} }}\n'


@pytest.fixture
def nets(tmp_path, monkeypatch):
    """The net of a text, as it is and folded, with statistics as training gathers them."""

    def load(text: str, **options: object):
        path = tmp_path / "net.prototxt"
        path.write_text(text)
        plain = load_net(path)
        folded = load_net(path, fold=True, **options)
        return plain, folded

    return load


def outputs(net, dtype=np.float64):
    images = np.random.default_rng(2).standard_normal((2, 6, 7, 5)).astype("float32")
    blobs = run(net, {"data": images}, dtype)
    return [blobs[blob.key] for blob in net.outputs]


@pytest.mark.parametrize(
    ("kind", "group"),
    [
        ("Convolution", 1),
        ("Convolution", 2),
        ("Deconvolution", 1),
        ("Deconvolution", 2),
        ("InnerProduct", 1),
        ("InnerProductT", 1),
    ],
)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("chain", [["BatchNorm", "Scale"], ["Scale", "Bias"], ["Bias"]])
@pytest.mark.parametrize("in_place", [True, False])
def test_a_chain_behind_a_layer_goes_into_its_weights(kind, group, bias, chain, in_place, nets):
    names = ["p", *(("p" if in_place else f"t{i}") for i in range(len(chain)))]
    text = DATA + producer(kind, group, bias)
    for i, (one, (bottom, top)) in enumerate(zip(chain, itertools.pairwise(names), strict=True)):
        text += step(one, f"s{i}", bottom, top)
    plain, folded = nets(text)
    assert [layer.type for layer in folded.layers] == ["Input", kind.removesuffix("T")]
    told = [note.subject for note in folded.notes if "folded" in note.text]
    assert told == [f"s{i}" for i in range(len(chain))]
    for ours, expected in zip(outputs(folded), outputs(plain), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)


def test_gathered_statistics_are_divided_by_what_was_gathered(tmp_path):
    """A BatchNorm's sums, variances and count come from a file, as training leaves them."""
    from caffe2keras.proto.caffe_pb2 import NetParameter

    path, weights = tmp_path / "net.prototxt", tmp_path / "net.caffemodel"
    path.write_text(DATA + producer("Convolution", 2, True) + step("BatchNorm", "b", "p", "p"))
    rng = np.random.default_rng(4)
    net = NetParameter()
    for name, shapes in {"p": [(4, 3, 3, 2), (4,)], "b": [(4,), (4,), (1,)]}.items():
        layer = net.layer.add(name=name, type={"p": "Convolution", "b": "BatchNorm"}[name])
        for shape in shapes:
            blob = layer.blobs.add()
            blob.shape.dim.extend(shape)
            blob.data.extend(rng.uniform(0.5, 2.0, int(np.prod(shape))).tolist())
    weights.write_bytes(net.SerializeToString())
    plain, folded = load_net(path, weights), load_net(path, weights, fold=True)
    assert len(folded.layers) == 2
    np.testing.assert_allclose(outputs(folded)[0], outputs(plain)[0], rtol=1e-5, atol=1e-5)


TWICE_READ = (
    DATA
    + producer("Convolution", 1, True)
    + step("Scale", "s", "p", "t")
    + step("ReLU", "r", "p", "u")
)
SHARED = (
    DATA
    + producer("Convolution", 1, True).replace('top: "p"', 'top: "p" param { name: "w" }')
    + producer("Convolution", 1, True)
    .replace('"p"', '"q"')
    .replace('top: "q"', 'top: "q" param { name: "w" }')
    + step("Scale", "s", "p", "t")
)
STATISTICS = (
    DATA
    + producer("Convolution", 1, True)
    + step("BatchNorm", "s", "p", "t").replace("eps: 0.25", "use_global_stats: false")
)
ALONG_HEIGHT = (
    DATA
    + producer("Convolution", 1, True)
    + step("Scale", "s", "p", "t").replace("scale_param {", "scale_param { axis: 2")
)
BEHIND_AN_ACTIVATION = (
    DATA
    + producer("Convolution", 1, True)
    + step("ReLU", "r", "p", "p")
    + step("Scale", "s", "p", "t")
)
IN_FRONT = (
    DATA
    + step("Scale", "s", "data", "t")
    + producer("Convolution", 1, True).replace('bottom: "data"', 'bottom: "t"')
)


@pytest.mark.parametrize(
    "text", [TWICE_READ, SHARED, STATISTICS, ALONG_HEIGHT, BEHIND_AN_ACTIVATION, IN_FRONT]
)
def test_what_would_change_the_numbers_stays(text, nets):
    plain, folded = nets(text)
    assert [layer.type for layer in folded.layers] == [layer.type for layer in plain.layers]
    assert [str(note) for note in folded.notes if note not in plain.notes] == [
        "decided: --fold: nothing in this net can be folded"
    ]


def test_a_net_that_is_trained_is_not_folded(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(DATA + producer("Convolution", 1, True))
    with pytest.raises(InputError, match="cannot be folded and trained"):
        convert(path, output=tmp_path / "net.h5", phase="TRAIN", fold=True)
