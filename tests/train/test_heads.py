"""Nets converted with their losses train as Caffe trained them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

import caffe2keras
from caffe2keras.errors import (
    GraphError,
    InputError,
    UnsupportedCombinationError,
    UnsupportedLayersError,
)
from caffe2keras.proto.caffe_pb2 import NetParameter
from caffe2keras.record import Record, read_record

pytestmark = pytest.mark.backend

LOSSES = Path(__file__).parents[1] / "fixtures" / "losses"
CASES = sorted(path.stem for path in LOSSES.glob("*.npz"))
RATE = 0.05

Arrays = Mapping[str, np.ndarray]
Convert = Callable[..., Path]


def case(name: str) -> dict[str, np.ndarray]:
    with np.load(LOSSES / f"{name}.npz") as arrays:
        return dict(arrays)


def caffemodel(arrays: Arrays, path: Path, moment: str = "param") -> Path:
    net = NetParameter()
    layers: dict[str, Any] = {}
    for key, array in arrays.items():
        if key.startswith(f"{moment}/"):
            name = key.split("/")[1]
            if name not in layers:
                layers[name] = net.layer.add(name=name)
            blob = layers[name].blobs.add()
            blob.shape.dim.extend(array.shape)
            blob.data.extend(array.ravel().tolist())
    path.write_bytes(net.SerializeToString())
    return path


@pytest.fixture
def converted(tmp_path: Path) -> Convert:
    def convert(name: str, arrays: Arrays, moment: str = "param", **options: Any) -> Path:
        weights = caffemodel(arrays, tmp_path / f"{moment}.caffemodel", moment)
        target = tmp_path / f"{moment}.h5"
        prototxt = LOSSES / f"{name}.prototxt"
        caffe2keras.convert(prototxt, weights, target, phase="TRAIN", **options)
        return target

    return convert


@pytest.fixture
def solver(tmp_path: Path) -> Path:
    path = tmp_path / "solver.prototxt"
    path.write_text(f'base_lr: {RATE} momentum: 0.9 lr_policy: "fixed"')
    return path


def one_or_all(arrays: list[np.ndarray]) -> Any:
    return arrays[0] if len(arrays) == 1 else arrays or None


def fed(record: Record, arrays: Arrays) -> tuple[Any, Any]:
    """x and y, as a user has them: labels as Caffe gives them, pictures as Keras has them."""
    xs = [entry.layout.to_keras(arrays[f"input/{entry.blob}"]) for entry in record.inputs]
    blobs = {entry.blob: entry for entry in record.blobs}
    ys = []
    assert record.training is not None
    for head in record.training.heads:
        y, prediction = arrays[f"input/{head.labels}"], blobs[head.prediction]
        ys.append(prediction.layout.to_keras(y) if y.shape == prediction.shape else y)
    return one_or_all([np.ascontiguousarray(x) for x in xs]), one_or_all(
        [np.ascontiguousarray(y) for y in ys]
    )


def assert_same_weights(model: Any, expected: Path, scale: float = 1e-5) -> None:
    other = caffe2keras.load_model(expected, compile=False)
    for mine, theirs in zip(model.weights, other.weights, strict=True):
        truth = keras.ops.convert_to_numpy(theirs)
        bound = scale * max(np.abs(truth).max(), 0.1)
        np.testing.assert_allclose(keras.ops.convert_to_numpy(mine), truth, rtol=0, atol=bound)


@pytest.mark.parametrize("name", CASES)
def test_a_loss_has_the_value_that_caffe_gives_it(name, converted, tmp_path):
    arrays = case(name)
    blobs = {key: one for key, one in arrays.items() if key.split("/")[0] in ("input", "output")}
    np.savez(tmp_path / "blobs.npz", **blobs)
    report = caffe2keras.verify(converted(name, arrays), tmp_path / "blobs.npz", rtol=1e-5)
    assert report.exit_code == 0, report.render()
    losses = {key.split("/")[1] for key in arrays if key.startswith("output/")}
    assert {one.blob for one in report.results} >= losses - {"accuracy", "top2"}


@pytest.mark.usefixtures("needs_gradients")
@pytest.mark.parametrize("name", CASES)
def test_a_net_with_its_losses_trains_as_it_does_in_caffe(name, converted, solver):
    arrays = case(name)
    stepped = {
        key.replace("param/", "step/"): one - RATE * arrays[key.replace("param/", "diff/")]
        for key, one in arrays.items()
        if key.startswith("param/")
    }
    path = converted(name, arrays)
    after_one, after_all = converted(name, stepped, "step"), converted(name, arrays, "after")
    model, (x, y) = caffe2keras.load_model(path), fed(read_record(path), arrays)
    caffe2keras.compile_from_solver(model, solver)
    model.train_on_batch(x, y)
    assert_same_weights(model, after_one)
    for _ in range(3):
        model.train_on_batch(x, y)
    assert_same_weights(model, after_all)


@pytest.mark.usefixtures("needs_gradients")
@pytest.mark.parametrize("name", ["softmax_spatial_valid_ignore", "euclidean_image", "contrastive"])
def test_channels_first_trains_alike(name, converted, solver):
    if keras.backend.backend() == "tensorflow":
        pytest.skip("TensorFlow convolves channels first on a GPU alone")
    arrays = case(name)
    path = converted(name, arrays, data_format="channels_first")
    after = converted(name, arrays, "after", data_format="channels_first")
    model, (x, y) = caffe2keras.load_model(path), fed(read_record(path), arrays)
    caffe2keras.compile_from_solver(model, solver)
    for _ in range(4):
        model.train_on_batch(x, y)
    assert_same_weights(model, after)


@pytest.mark.usefixtures("needs_gradients")
def test_fit_works_right_after_loading_and_measures_what_caffe_measures(converted):
    arrays = case("accuracy")
    path = converted("accuracy", arrays)
    model, (x, y) = caffe2keras.load_model(path), fed(read_record(path), arrays)
    history = model.fit(x, y, batch_size=6, verbose=0).history
    for name in ("loss", "accuracy", "top2"):
        assert history[name][0] == pytest.approx(float(arrays[f"output/{name}"]), rel=1e-5)


@pytest.mark.usefixtures("needs_gradients")
def test_the_archive_is_compiled_likewise(converted, tmp_path):
    arrays = case("two_heads")
    weights = caffemodel(arrays, tmp_path / "w.caffemodel")
    target = tmp_path / "model.keras"
    prototxt = LOSSES / "two_heads.prototxt"
    caffe2keras.convert(prototxt, weights, target, phase="TRAIN", format="keras")
    model, (x, y) = caffe2keras.load_model(target), fed(read_record(target), arrays)
    expected = 0.3 * arrays["output/aux_loss"] + arrays["output/loss"]
    assert model.evaluate(x, y, verbose=0)[0] == pytest.approx(float(expected), rel=1e-5)
    plain = keras.saving.load_model(target)
    assert plain.evaluate(x, y, verbose=0)[0] == pytest.approx(float(expected), rel=1e-5)


def test_keras_itself_compiles_a_file_as_it_says(converted):
    path = converted("two_heads", case("two_heads"))
    with h5py.File(path) as file:
        assert b"training_config" in b"".join(name.encode() for name in file.attrs)
    model = keras.saving.load_model(path)
    assert model.compiled
    assert [type(loss).__name__ for loss in model._compile_loss._user_loss] == [
        "SparseCategoricalCrossentropy"
    ] * 2
    assert model._compile_loss._user_loss_weights == [0.3, 1.0]


def test_a_model_is_not_compiled_if_it_is_not_asked_for(converted):
    path = converted("softmax", case("softmax"))
    assert not caffe2keras.load_model(path, compile=False).compiled
    assert caffe2keras.load_model(path).compiled


# Nets of which only the structure matters

DATA = 'layer { name: "data" type: "Data" top: "data" top: "label" data_param { batch_size: 6 } }\n'
DENSE = """
layer { name: "low" type: "InnerProduct" bottom: "data" top: "low" param { lr_mult: 0 }
  inner_product_param { num_output: 7 weight_filler { type: "xavier" } } }
layer { name: "ip" type: "InnerProduct" bottom: "low" top: "ip"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
"""
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }\n'
ACCURACY = """
layer { name: "top/1" type: "Accuracy" bottom: "prob" bottom: "label" top: "top1"
  include { phase: TEST } }
"""
PROB = 'layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }\n'


@pytest.fixture
def trainable(tmp_path: Path) -> Callable[..., tuple[Path, tuple[str, ...]]]:
    def convert(text: str, **shapes: tuple[int, ...]) -> tuple[Path, tuple[str, ...]]:
        prototxt, target = tmp_path / "net.prototxt", tmp_path / "net.h5"
        prototxt.write_text(text)
        shapes = shapes or {"data": (6, 5)}
        report = caffe2keras.convert(prototxt, output=target, phase="TRAIN", input_shapes=shapes)
        return target, tuple(str(note) for note in report.notes)

    return convert


@pytest.mark.usefixtures("needs_gradients")
def test_what_caffe_does_not_train_no_optimizer_trains(trainable):
    path, _ = trainable(DATA + DENSE + LOSS)
    model = caffe2keras.load_model(path)
    before = model.get_layer("low").get_weights()
    other = model.get_layer("ip").get_weights()
    x, y = np.ones((6, 5), np.float32), np.arange(6) % 4
    model.fit(x, y, epochs=2, verbose=0)
    np.testing.assert_array_equal(model.get_layer("low").get_weights()[0], before[0])
    assert np.abs(model.get_layer("ip").get_weights()[0] - other[0]).max() > 0


def test_an_accuracy_of_the_test_phase_is_a_metric_of_the_scores(trainable):
    path, notes = trainable(DATA + DENSE + LOSS + PROB + ACCURACY)
    training = read_record(path).training
    assert [head.prediction for head in training.heads] == ["ip"]
    (metric,) = training.compile["metrics"]
    assert metric == {"class_name": "SparseCategoricalAccuracy", "config": {"name": "top_1"}}
    assert 'decided: top/1: a metric of output "ip" against "label", which fit takes as y' in notes


def test_an_accuracy_on_scores_of_its_own_is_an_output_without_a_loss(trainable):
    text = DATA + DENSE + LOSS + ACCURACY.replace('"prob"', '"low"')
    path, _ = trainable(text)
    training = read_record(path).training
    assert [(head.prediction, head.loss is None) for head in training.heads] == [
        ("low", True),
        ("ip", False),
    ]


@pytest.mark.usefixtures("needs_gradients")
@pytest.mark.parametrize("weight", ["", "loss_weight: 0.3 "])
def test_a_measured_output_beside_a_weighted_loss_fits(trainable, weight):
    text = LOSS.replace('top: "loss"', f'top: "loss" {weight}')
    path, _ = trainable(DATA + DENSE + text + ACCURACY.replace('"prob"', '"low"'))
    labels = np.arange(6) % 4
    x = np.ones((6, 5), np.float32)
    history = caffe2keras.load_model(path).fit(x, [labels, labels], verbose=0).history
    assert np.isfinite(history["loss"][0])
    assert set(history) == {"loss", "low_top_1"}


def test_two_losses_of_one_prediction_are_computed_inside(trainable):
    hinge = LOSS.replace("SoftmaxWithLoss", "HingeLoss").replace('"loss"', '"hinge"')
    path, notes = trainable(DATA + DENSE + LOSS + hinge)
    record = read_record(path)
    assert record.training.heads == ()
    assert [entry.blob for entry in record.inputs] == ["data", "label"]
    text = 'this loss is computed inside the model, which is fed "label"'
    assert [note for note in notes if text in note] == [
        f"decided: loss: {text}",
        f"decided: hinge: {text}",
    ]


def test_probabilities_beside_a_loss_stay_for_who_reads_them(trainable):
    loss = LOSS.replace('top: "loss"', 'top: "loss" top: "prob"')
    scaled = 'layer { name: "p" type: "Power" bottom: "prob" top: "p" loss_weight: 2 }\n'
    path, _ = trainable(DATA + DENSE + loss + scaled)
    names = {entry.blob for entry in read_record(path).blobs}
    assert {"prob", "p", "ip"} <= names


def test_a_net_without_a_loss_predicts(trainable):
    path, notes = trainable(DATA + DENSE)
    assert read_record(path).training is None
    assert (
        "decided: loss: no layer of this net has a loss, so it becomes a model that predicts"
        in (notes)
    )


def test_a_loss_that_is_not_known_is_refused_by_name(trainable):
    with pytest.raises(UnsupportedLayersError, match="no Keras loss is known here"):
        trainable(DATA + DENSE + LOSS.replace("SoftmaxWithLoss", "CenterLoss"))


def test_labels_that_stay_inputs_need_a_shape(trainable):
    data = 'layer { name: "data" type: "HDF5Data" top: "data" top: "like" hdf5_data_param { } }\n'
    both = 'layer { name: "c" type: "ContrastiveLoss" bottom: "low" bottom: "low" bottom: "like" }'
    with pytest.raises(InputError, match='nobody has told the shape of input "like"'):
        trainable(data + DENSE + both, data=(6, 5))
    path, _ = trainable(data + DENSE + both, data=(6, 5), like=(6,))
    assert read_record(path).outputs == ("c",)


def test_labels_without_a_shape_are_taken_for_what_the_loss_expects(trainable):
    data = 'layer { name: "data" type: "HDF5Data" top: "data" top: "label" hdf5_data_param { } }\n'
    path, _ = trainable(data + DENSE + LOSS, data=(6, 5))
    (head,) = read_record(path).training.heads
    assert head.loss["class_name"] == "SparseCategoricalCrossentropy"


def test_a_matrix_of_gains_comes_from_its_file(trainable, tmp_path):
    from caffe2keras.proto.caffe_pb2 import BlobProto

    gains = np.arange(16, dtype=np.float32).reshape(4, 4)
    blob = BlobProto(num=1, channels=1, height=4, width=4)
    blob.data.extend(gains.ravel().tolist())
    (tmp_path / "H.binaryproto").write_bytes(blob.SerializeToString())
    loss = LOSS.replace("SoftmaxWithLoss", "InfogainLoss").rstrip().removesuffix("}")
    loss += f'infogain_loss_param {{ source: "{tmp_path}/H.binaryproto" }} }}'
    path, _ = trainable(DATA + DENSE + loss)
    (head,) = read_record(path).training.heads
    assert head.loss["config"]["matrix"] == gains.tolist()
    with pytest.raises(UnsupportedCombinationError, match="there is no such file here"):
        trainable(DATA + DENSE + loss.replace("H.binaryproto", "none"))
    with pytest.raises(UnsupportedCombinationError, match="3 classes take 9 numbers, received 16"):
        trainable(DATA + DENSE.replace("num_output: 4", "num_output: 3") + loss)


def test_tops_that_only_a_forks_loss_has_are_refused(trainable):
    third = LOSS.replace('top: "loss"', 'top: "loss" top: "prob" top: "each"')
    with pytest.raises(UnsupportedCombinationError, match="only the first 2 can be said"):
        trainable(DATA + DENSE + third)


def test_the_oracle_computes_the_losses_too(trainable, tmp_path):
    path, _ = trainable(DATA + DENSE + LOSS)
    weights = tmp_path / "w.caffemodel"
    model = caffe2keras.load_model(path)
    net = NetParameter()
    for name in ("low", "ip"):
        kernel, bias = model.get_layer(name).get_weights()
        layer = net.layer.add(name=name)
        for array in (kernel.T, bias):
            blob = layer.blobs.add()
            blob.shape.dim.extend(array.shape)
            blob.data.extend(array.ravel().tolist())
    weights.write_bytes(net.SerializeToString())
    prototxt = tmp_path / "net.prototxt"
    options = {"phase": "TRAIN", "input_shapes": {"data": (6, 5)}}
    report = caffe2keras.verify(path, oracle=(prototxt, weights), options=options)
    assert report.exit_code == 0
    assert "loss" in {result.blob for result in report.results}


def test_nothing_but_labels_is_refused(trainable):
    with pytest.raises(GraphError):
        trainable(DATA)


def test_a_loss_that_sends_nothing_back_is_computed_inside(trainable):
    loss = LOSS.replace("top:", "propagate_down: false propagate_down: false top:")
    path, notes = trainable(DATA + DENSE + PROB + LOSS + loss.replace('"loss"', '"watched"'))
    assert [note for note in notes if note.startswith("decided: watched: this loss is computed")]
    assert "StopGradient" in {type(one).__name__ for one in caffe2keras.load_model(path).layers}


def test_no_gradient_ends_between_a_normalization_and_its_scale(trainable):
    scaled = NORMALIZED.replace("scale_param", "propagate_down: false scale_param")
    with pytest.raises(UnsupportedCombinationError, match="propagate_down: false of scale"):
        trainable(DATA + LOW + scaled.replace("PARAM", "") + LOSS)


NORMALIZED = """
layer { name: "bn" type: "BatchNorm" bottom: "low" top: "bn" batch_norm_param { PARAM } }
layer { name: "scale" type: "Scale" bottom: "bn" top: "bn" scale_param { bias_term: true } }
layer { name: "ip" type: "InnerProduct" bottom: "bn" top: "ip"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
"""
LOW = DENSE[: DENSE.index('layer { name: "ip"')]


@pytest.mark.usefixtures("needs_gradients")
def test_stored_statistics_are_trained_by_where_caffe_does(trainable):
    text = DATA + LOW + NORMALIZED.replace("PARAM", "use_global_stats: true") + LOSS
    path, notes = trainable(text)
    model = caffe2keras.load_model(path)
    layer = model.get_layer("bn")
    assert type(layer).__name__ == "StoredStatisticsNormalization"
    assert not any("moving average" in note for note in notes)
    before = layer.get_weights()
    model.fit(np.ones((6, 5), np.float32), np.arange(6) % 4, verbose=0)
    changed = [(a != b).any() for a, b in zip(before, layer.get_weights(), strict=True)]
    assert changed == [True, True, False, False]


def test_moving_averages_are_said_to_be_those_of_keras(trainable):
    path, notes = trainable(DATA + LOW + NORMALIZED.replace("PARAM", "") + LOSS)
    assert type(caffe2keras.load_model(path).get_layer("bn")).__name__ == "BatchNormalization"
    assert [note for note in notes if note.startswith("differs: bn: trains with each batch's")]


def test_layers_are_called_as_in_the_test_phase(trainable, tmp_path):
    path, _ = trainable(DATA + DENSE + LOSS)
    predicts = tmp_path / "predicts.h5"
    prototxt = tmp_path / "net.prototxt"
    caffe2keras.convert(prototxt, output=predicts, input_shapes={"data": (6, 5)})
    learned = [{entry.layer for entry in read_record(one).variables} for one in (path, predicts)]
    assert learned[0] == learned[1] == {"low", "ip"}
