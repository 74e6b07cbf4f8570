"""CompactBilinear, Bilinear, SignedSqrt and L2Normalize, and the numbers recorded of Caffe's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe2keras.convert import convert, load_net
from caffe2keras.layer_map import map_net
from caffe2keras.verify import verify

FIXTURES = Path(__file__).parents[1] / "fixtures" / "runtime"

pytestmark = pytest.mark.backend

COMPACT = """
layer {
  name: "mcb" type: "CompactBilinear" bottom: "a" bottom: "b" top: "y"
  compact_bilinear_param { num_output: %d sum_pool: %s }
}
"""
BEHIND = """
layer { name: "root" type: "SignedSqrt" bottom: "y" top: "root" }
layer { name: "norm" type: "L2Normalize" bottom: "root" top: "norm" }
"""


def net(a, b, bins, pooled):
    """CompactBilinear over two inputs of these shapes."""
    inputs = (
        f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ '
        + " ".join(f"dim: {extent}" for extent in shape)
        + " } } }"
        for name, shape in (("a", a), ("b", b))
    )
    return "\n".join(inputs) + COMPACT % (bins, pooled)


@pytest.mark.parametrize("bins", [8, 9])
@pytest.mark.parametrize("pooled", ["true", "false"])
def test_compact_pooling_is_caffes(checked, bins, pooled):
    made = checked(COMPACT % (bins, pooled) + BEHIND, a=(2, 5, 3, 4), b=(2, 7, 3, 4))
    assert made.classes == (
        "caffe2keras>CompactBilinearPooling",
        "caffe2keras>SignedSqrt",
        "caffe2keras>Normalize",
    )
    assert made.resizable
    assert made.report.static_batch is None


def test_a_blob_may_be_pooled_with_itself(checked):
    checked(COMPACT.replace('bottom: "b"', 'bottom: "a"') % (8, "true"), a=(2, 5, 3, 4))


def test_the_bins_and_signs_are_those_of_c(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(net((2, 5, 2, 3), (2, 7, 2, 3), 16, "true"))
    model = map_net(load_net(path))
    (layer,) = (n.layer for n in model.layers if n.layer.class_name.endswith("Pooling"))
    drawn = {variable.name: variable.view.tolist() for variable in layer.variables}
    # rand() % 16 and 2 * (rand() % 2) - 1 after srand(1), by glibc.
    assert drawn == {
        "h0": [7, 6, 9, 3, 1],
        "s0": [1, -1, -1, 1, 1],
        "h1": [10, 11, 2, 11, 3, 6, 12],
        "s1": [-1, -1, -1, 1, -1, 1, 1],
    }
    assert not any(variable.trainable for variable in layer.variables)


def test_bilinear_pooling_sums_outer_products(checked):
    layers = 'layer { name: "l" type: "Bilinear" bottom: "a" bottom: "b" top: "y" }'
    made = checked(layers + BEHIND, a=(2, 5, 3, 4), b=(2, 7, 3, 4))
    assert made.classes[0] == "caffe2keras>BilinearPooling"


@pytest.mark.parametrize("shape", [(2, 5), (2, 5, 3), (2, 5, 3, 4)])
def test_l2_normalize_always_gives_four_axes(checked, shape):
    checked('layer { name: "l" type: "L2Normalize" bottom: "a" top: "y" }', a=shape)


@pytest.mark.parametrize("case", ["small", "big"])
@pytest.mark.parametrize("pooled", ["true", "false"])
def test_the_recorded_numbers_are_met(case, pooled, tmp_path):
    with np.load(FIXTURES / f"caffe_CompactBilinear_{case}.npz") as recorded:
        a, b = recorded["input_0"], recorded["input_1"]
        expected = recorded["output_sum_pool" if pooled == "true" else "output_no_pool"]
    path = tmp_path / "net.prototxt"
    path.write_text(net(a.shape, b.shape, expected.shape[1], pooled))
    blobs = tmp_path / "blobs.npz"
    np.savez(blobs, **{"input/a": a, "input/b": b, "output/y": expected.astype(np.float32)})
    for data_format in ("channels_last", "channels_first"):
        report = convert(path, output=tmp_path / "net.h5", data_format=data_format)
        result = verify(report.output, blobs)
        assert result.ok, str(result)
