"""Numbers in half the bytes, as every reader gets them back."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from caffe2keras.convert import convert
from caffe2keras.emit.storage import STORAGES
from caffe2keras.errors import EmitError, InputError
from caffe2keras.load import load_model
from caffe2keras.verify import verify

NET = """
input: "data" input_shape { dim: 2 dim: 3 dim: 7 dim: 5 }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param {
  num_output: 4 kernel_h: 3 kernel_w: 2 weight_filler { type: "constant" value: VALUE } } }
"""


@pytest.fixture
def converted(tmp_path):
    def run(dtype, value=0.1, **options):
        path = tmp_path / "net.prototxt"
        path.write_text(NET.replace("VALUE", str(value)))
        report = convert(path, output=tmp_path / "net.h5", dtype=dtype, **options)
        return path, report.output

    return run


def test_bfloat16_is_rounded_to_the_nearest_even():
    numbers = np.array([1, 1.00390625, 1.01171875, -3.0e38, 1e-40, np.inf, np.nan], "float32")
    bits = STORAGES["bfloat16"].encode(numbers).astype("uint32") << 16
    back = bits.view("float32")
    np.testing.assert_array_equal(back[:3], [1, 1, 1.015625])
    np.testing.assert_allclose(back[3:5], numbers[3:5], rtol=4e-3, atol=1e-41)
    assert back[5] == np.inf
    assert np.isnan(back[6])


@pytest.mark.backend
@pytest.mark.parametrize(("dtype", "step"), [("float16", 2.0**-11), ("bfloat16", 2.0**-8)])
def test_halves_load_as_float32_and_verify(dtype, step, converted):
    net, path = converted(dtype)
    with h5py.File(path) as file:
        kernel = file["model_weights/conv/conv/kernel:0"]
        assert kernel.id.get_storage_size() == 2 * 3 * 2 * 3 * 4
    [kernel, _] = load_model(path).get_weights()
    assert kernel.dtype == np.float32
    np.testing.assert_allclose(kernel, 0.1, rtol=step)
    assert (kernel != np.float32(0.1)).all()
    report = verify(path, oracle=(net, None))
    assert report.ok, str(report)
    assert report.tolerance.rtol == pytest.approx(10 * step, rel=0.05)


def test_a_number_that_float16_cannot_hold_is_refused(converted):
    with pytest.raises(EmitError, match='"kernel" of layer "conv" reaches 70000'):
        converted("float16", 70000)
    converted("bfloat16", 70000)


def test_an_archive_keeps_float32(tmp_path, converted):
    with pytest.raises(InputError, match="keeps float32, not float16"):
        converted("float16", format="keras")


def test_blocks_of_an_array_follow_each_other_in_halves_too(tmp_path, monkeypatch):
    from caffe2keras.emit import stream

    monkeypatch.setattr(stream, "_BLOCK_BYTES", 64)
    array = np.arange(5 * 7 * 3, dtype="float32").reshape(5, 7, 3)
    path = tmp_path / "numbers"
    with open(path, "w+b") as file:
        storage = STORAGES["float16"]
        stream.write_arrays(file.fileno(), [stream.Placement(4, array.transpose(2, 0, 1), storage)])
    stored = np.frombuffer(path.read_bytes()[4:], "<f2").reshape(3, 5, 7)
    np.testing.assert_array_equal(stored, array.transpose(2, 0, 1))
