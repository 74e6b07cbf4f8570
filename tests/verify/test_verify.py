import dataclasses
import json

import h5py
import numpy as np
import pytest

from caffe2keras.convert import convert, load_net
from caffe2keras.errors import BlobFileError, InputError
from caffe2keras.verify import verify
from caffe2keras.verify.compare import Tolerance
from caffe2keras.verify.oracle import run

pytestmark = pytest.mark.backend

IMAGES = np.linspace(-2, 2, 4 * 3 * 11 * 8, dtype=np.float32).reshape(4, 3, 11, 8)


@pytest.fixture(params=["channels_last", "channels_first"])
def model(request, lopsided, tmp_path):
    return convert(lopsided, output=tmp_path / "lopsided.h5", data_format=request.param).output


@pytest.fixture
def recorded(lopsided, tmp_path):
    """Blobs as Caffe would record them, changed by hand."""

    def record(change=lambda blobs: None, net=lopsided, images=IMAGES):
        last = {name: array for (name, _), array in run(load_net(net), {"data": images}).items()}
        blobs = {"input/data": images, **{f"output/{name}": a for name, a in last.items()}}
        change(blobs)
        path = tmp_path / "blobs.npz"
        np.savez(path, **blobs)
        return path

    return record


def test_every_blob_is_compared_in_order_of_execution(model, recorded):
    report = verify(model, recorded())
    assert report.ok, str(report)
    assert [(result.layer, result.blob) for result in report.results] == [
        ("relu", "conv"),
        ("pool", "pool"),
        ("fc", "fc"),
        ("prob", "prob"),
    ]
    assert report.results[0].shape == (4, 7, 6, 5)
    assert report.not_compared == report.missing_outputs == report.notes == ()
    assert report.tolerance == Tolerance(1e-4, 0.0)


def test_the_oracle_is_a_witness_that_needs_no_recording(model, lopsided):
    report = verify(model, oracle=(lopsided, None), seed=5)
    assert report.ok, str(report)
    assert len(report.results) == 4
    assert report.witness == "the oracle on random inputs, seed 5"


@pytest.mark.parametrize(
    "layer",
    [
        'type: "Embed" bottom: "index" top: "y" embed_param { input_dim: 5 num_output: 3 }',
        'type: "BatchReindex" bottom: "data" bottom: "index" top: "y"',
    ],
)
def test_the_oracle_draws_indices_where_a_layer_takes_them(layer, tmp_path):
    net = tmp_path / "indices.prototxt"
    net.write_text(
        'input: "data" input_shape { dim: 4 dim: 3 }\n'
        'input: "index" input_shape { dim: 6 }\n'
        f'layer {{ name: "y" {layer} }}\n'
        'layer { name: "z" type: "ReLU" bottom: "data" top: "z" }\n'
    )
    path = convert(net, output=tmp_path / "indices.h5").output
    report = verify(path, oracle=(net, None))
    assert report.ok, str(report)
    assert {result.blob for result in report.results} == {"y", "z"}


@pytest.mark.parametrize("further", ["", "dim: 1 dim: 1"])
@pytest.mark.parametrize(
    "layer",
    [
        'type: "ROIPooling" roi_pooling_param { pooled_h: 3 pooled_w: 2 spatial_scale: 0.25 }',
        'type: "PSROIPooling" psroi_pooling_param { output_dim: 2 group_size: 3 spatial_scale: 8 }',
    ],
)
def test_the_oracle_draws_regions_where_a_layer_takes_them(layer, further, tmp_path):
    net = tmp_path / "regions.prototxt"
    net.write_text(
        'input: "data" input_shape { dim: 2 dim: 18 dim: 7 dim: 6 }\n'
        f'input: "regions" input_shape {{ dim: 9 dim: 5 {further} }}\n'
        f'layer {{ name: "y" bottom: "data" bottom: "regions" top: "y" {layer} }}\n'
    )
    report = verify(convert(net, output=tmp_path / "regions.h5").output, oracle=(net, None))
    assert report.ok, str(report)
    assert report.results[0].shape[0] == 9


def test_the_oracle_may_be_given_what_to_feed(model, lopsided, recorded):
    for inputs in ({"data": IMAGES}, recorded()):
        report = verify(model, oracle=(lopsided, None), inputs=inputs)
        assert report.ok, str(report)
        assert report.results[0].shape == (4, 7, 6, 5)
        assert report.witness == "the oracle on the given inputs"


def test_the_first_layer_that_goes_astray_is_named(model, recorded):
    def change(blobs):
        blobs["output/pool"][3, 6, 1, 2] += 0.01
        blobs["output/fc"][0, 4] = np.nan

    report = verify(model, recorded(change))
    assert report.exit_code == 7
    assert [result.ok for result in report.results] == [True, False, False, True]
    assert report.first_different.layer == "pool"
    found = report.first_different.difference
    assert found.index == (3, 6, 1, 2)
    assert found.max_abs == pytest.approx(0.01, rel=1e-3)
    assert report.worst.blob == "fc"


def test_a_wrong_weight_in_the_file_is_found(model, lopsided):
    with h5py.File(model, "r+") as file:
        file["model_weights/fc/fc/bias:0"][2] += 0.1
    report = verify(model, oracle=(lopsided, None))
    assert report.first_different.layer == "fc"


def test_the_tolerance_can_be_changed(model, recorded):
    def change(blobs):
        blobs["output/prob"][0, 0] += 1e-3

    path = recorded(change)
    assert not verify(model, path).ok
    assert verify(model, path, rtol=1e-2).ok
    assert verify(model, path, atol=1e-2).ok
    assert verify(model, path, rtol=0.5, atol=0.25).tolerance == Tolerance(0.5, 0.25)


def test_a_net_of_one_layer_is_held_to_more(tmp_path):
    net = tmp_path / "one.prototxt"
    net.write_text(
        'input: "data" input_shape { dim: 2 dim: 3 }\n'
        'layer { name: "s" type: "Sigmoid" bottom: "data" top: "s" }\n'
    )
    path = convert(net, output=tmp_path / "one.h5").output
    assert verify(path, oracle=(net, None)).tolerance == Tolerance(1e-5, 1e-6)


def test_a_reference_without_the_outputs_is_no_proof(model, recorded):
    report = verify(model, recorded(lambda blobs: blobs.pop("output/prob")))
    assert all(result.ok for result in report.results)
    assert report.missing_outputs == ("prob",)
    assert not report.ok


def test_a_reference_with_the_input_only_is_no_proof(model, recorded):
    def change(blobs):
        for name in ("conv", "pool", "fc", "prob"):
            del blobs[f"output/{name}"]

    report = verify(model, recorded(change))
    assert report.results == ()
    assert not report.ok


def test_a_blob_that_the_model_does_not_have_is_listed(model, recorded):
    report = verify(model, recorded(lambda blobs: blobs.update({"output/a/b": np.ones((2, 3))})))
    assert report.ok
    assert [passed.blob for passed in report.not_compared] == ["a/b"]
    assert "does not have it" in report.not_compared[0].reason


def test_what_caffe_overwrites_in_shared_memory_is_not_compared(tmp_path, recorded):
    # Flatten's top is its bottom's memory, so the ReLU changes "data2" as well.
    net = tmp_path / "shared.prototxt"
    net.write_text(
        'input: "data" input_shape { dim: 2 dim: 3 dim: 11 dim: 8 }\n'
        'layer { name: "power" type: "Power" bottom: "data" top: "data2" '
        "power_param { scale: 2 } }\n"
        'layer { name: "flat" type: "Flatten" bottom: "data2" top: "flat" }\n'
        'layer { name: "relu" type: "ReLU" bottom: "flat" top: "flat" }\n'
    )
    path = convert(net, output=tmp_path / "shared.h5").output
    overwritten = np.maximum(2 * IMAGES, 0)
    report = verify(path, recorded(lambda b: b.update({"output/data2": overwritten}), net))
    assert report.ok, str(report)
    assert [passed.blob for passed in report.not_compared] == ["data2"]
    assert "overwritten" in report.not_compared[0].reason


def test_what_a_folded_layer_overwrites_is_not_compared(tmp_path, recorded):
    net = tmp_path / "folded.prototxt"
    net.write_text(
        'input: "data" input_shape { dim: 2 dim: 3 dim: 11 dim: 8 }\n'
        'layer { name: "power" type: "Power" bottom: "data" top: "data2" '
        "power_param { scale: 2 } }\n"
        'layer { name: "norm" type: "BatchNorm" bottom: "data2" top: "data2" }\n'
        'layer { name: "scale" type: "Scale" bottom: "data2" top: "scaled" }\n'
    )
    path = convert(net, output=tmp_path / "folded.h5").output
    normalized = 7 * IMAGES  # whatever: the value between the two layers is in neither model
    report = verify(path, recorded(lambda b: b.update({"output/data2": normalized}), net))
    assert report.ok, str(report)
    assert [passed.blob for passed in report.not_compared] == ["data2"]


def test_another_shape_is_a_difference(model, recorded):
    def change(blobs):
        blobs["output/pool"] = blobs["output/pool"].transpose(0, 1, 3, 2)

    report = verify(model, recorded(change))
    assert report.first_different.layer == "pool"
    assert report.first_different.difference is None
    assert report.first_different.received_shape == (4, 7, 3, 4)


def test_the_four_axes_of_old_recordings_are_understood(model, recorded):
    def change(blobs):
        blobs["output/fc"] = blobs["output/fc"].reshape(4, 5, 1, 1)

    assert verify(model, recorded(change)).ok


def test_bare_names_tell_inputs_from_outputs_by_the_net(model, recorded, tmp_path):
    with np.load(recorded()) as blobs:
        bare = {key.partition("/")[2]: blobs[key] for key in blobs}
    path = tmp_path / "bare.npz"
    np.savez(path, **bare)
    assert verify(model, path).ok


def test_recordings_of_another_size_resize_the_model(resizable, tmp_path, recorded):
    path = convert(resizable, output=tmp_path / "net.h5").output
    images = np.linspace(-1, 1, 3 * 3 * 14 * 9, dtype=np.float32).reshape(3, 3, 14, 9)
    report = verify(path, recorded(net=resizable, images=images))
    assert report.ok, str(report)
    assert report.results[0].shape == (3, 7, 8, 6)


def test_recordings_of_a_size_that_the_net_cannot_take_are_refused(model, resizable, recorded):
    images = np.zeros((1, 3, 14, 9), np.float32)
    with pytest.raises(InputError, match="axis 2 is fixed"):
        verify(model, recorded(net=resizable, images=images))


def test_a_batch_size_that_the_net_ties_down_is_kept(tmp_path):
    net = tmp_path / "tied.prototxt"
    net.write_text(
        'input: "data" input_shape { dim: 4 dim: 3 dim: 5 }\n'
        'layer { name: "r" type: "Reshape" bottom: "data" top: "r" '
        "reshape_param { shape { dim: 2 dim: 6 dim: 5 } } }\n"
        'layer { name: "relu" type: "ReLU" bottom: "r" top: "out" }\n'
    )
    path = convert(net, output=tmp_path / "tied.h5").output
    report = verify(path, oracle=(net, None))
    assert report.ok, str(report)
    assert report.results[-1].shape == (2, 6, 5)
    with pytest.raises(InputError, match="axis 0 is fixed"):
        verify(path, oracle=(net, None), inputs={"data": np.zeros((2, 3, 5))})


def test_other_files_than_those_converted_are_noted(model, lopsided):
    lopsided.write_text(lopsided.read_text() + "# a second thought\n")
    report = verify(model, oracle=(lopsided, None))
    assert report.ok
    assert report.notes == (
        "lopsided.prototxt is not the file that the model was converted from (lopsided.prototxt)",
    )


def test_an_input_without_numbers_is_an_error(model, recorded):
    def change(blobs):
        del blobs["input/data"]
        del blobs["output/data"]

    with pytest.raises(BlobFileError) as caught:
        verify(model, recorded(change))
    assert 'no numbers for the net\'s input "data"' in caught.value.what
    assert caught.value.hint == 'store what was fed as "input/data"'
    assert verify(model, recorded(change), inputs={"data": IMAGES}).ok


def test_an_input_that_the_net_does_not_have_is_an_error(model, lopsided):
    with pytest.raises(InputError, match='the net has no input "image"'):
        verify(model, oracle=(lopsided, None), inputs={"image": IMAGES})


@pytest.mark.parametrize("shape", [(), (4, 3, 11), (4, 3, 12, 8), (4, 2, 11, 8)])
def test_an_input_of_a_shape_that_the_net_cannot_take_is_an_error(shape, model, lopsided):
    with pytest.raises(InputError, match='input "data" cannot have shape'):
        verify(model, oracle=(lopsided, None), inputs={"data": np.zeros(shape)})


def test_a_recorded_input_that_the_model_does_not_take_is_noted(model, recorded):
    path = recorded(lambda blobs: blobs.update({"input/label": np.zeros(4, np.float32)}))
    assert verify(model, path).notes == ('the model does not take the input "label"',)


def test_exactly_one_witness_is_asked(model, lopsided, recorded):
    with pytest.raises(ValueError, match="either blobs or oracle"):
        verify(model)
    with pytest.raises(ValueError, match="either blobs or oracle"):
        verify(model, recorded(), oracle=(lopsided, None))


def test_the_steps_are_told_as_they_begin(model, recorded):
    steps = []
    verify(model, recorded(), progress=steps.append)
    assert steps == ["reading the reference", "computing with Keras", "comparing"]


def test_the_report_is_data(model, recorded):
    report = verify(model, recorded())
    assert json.loads(json.dumps(report.to_json()))["ok"] is True
    assert dataclasses.replace(report) == report


def test_the_digits_net_computes_what_caffe_computed(digits, tmp_path):
    path = convert(
        digits / "deploy.prototxt", digits / "digits.caffemodel", tmp_path / "digits.h5"
    ).output
    report = verify(path, digits / "blobs.npz")
    assert report.ok, str(report)
    assert len(report.results) == 8


LSTM = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 3 dim: 5 } } }
layer { name: "on" type: "Input" top: "on" input_param { shape { dim: 4 dim: 3 } } }
layer {
  name: "h" type: "LSTM" bottom: "x" bottom: "on" top: "h"
  recurrent_param { num_output: 2 weight_filler { type: "xavier" } }
}
"""


def test_a_layer_that_steps_through_time_is_judged_like_a_net(tmp_path):
    (tmp_path / "net.prototxt").write_text(LSTM)
    path = convert(tmp_path / "net.prototxt", None, tmp_path / "net.h5").output
    report = verify(path, oracle=(tmp_path / "net.prototxt", None))
    assert report.ok
    assert (report.tolerance.rtol, report.tolerance.atol) == (1e-4, 0)


SAMPLED = """
input: "data" input_shape { dim: 4 dim: 3 dim: 11 dim: 8 }
layer { name: "first" type: "AbsVal" bottom: "data" top: "first" }
layer { name: "drop" type: "Dropout" bottom: "first" top: "drop"
  dropout_param { dropout_ratio: 0.4 sample_weights_test: true } }
layer { name: "last" type: "Power" bottom: "drop" top: "last" power_param { scale: 3 } }
"""


def test_what_is_drawn_at_random_is_compared_by_its_mean_alone(tmp_path, recorded):
    net = tmp_path / "sampled.prototxt"
    net.write_text(SAMPLED)
    path = convert(net, output=tmp_path / "sampled.h5").output
    assert verify(path, oracle=(net, None)).ok
    report = verify(path, recorded(net=net))
    assert not report.ok
    assert [result.blob for result in report.results] == ["first"]
    assert [passed.blob for passed in report.not_compared] == ["drop", "last"]
    assert "drawn at random" in report.not_compared[0].reason
