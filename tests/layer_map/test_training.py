"""What a net in phase TRAIN asks of its layers: stored statistics, gradients that end."""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe2keras.convert import load_net
from caffe2keras.errors import UnsupportedCombinationError, UnsupportedError
from caffe2keras.layer_map import map_net
from caffe2keras.layer_map.training import stopped_bottoms
from caffe2keras.spec import KerasModel

DATA = (
    'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [4, 3, 5, 2] } } }\n'
    'layer { name: "t" type: "Input" top: "t" input_param { shape { dim: [4] } } }\n'
)
FC = (
    'layer { name: "fc" type: "InnerProduct" bottom: "%s" top: "fc" '
    'inner_product_param { num_output: 6 weight_filler { type: "xavier" } } }\n'
)
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "t" top: "loss" }\n'


def trained(folder: Path, layers: str, phase: str = "TRAIN") -> KerasModel:
    path = folder / "net.prototxt"
    path.write_text(DATA + layers)
    return map_net(load_net(path, phase=phase))


def classes(model: KerasModel) -> list[str]:
    return [named.layer.class_name for named in model.layers]


@pytest.mark.parametrize(
    ("params", "phase", "class_name"),
    [
        ("use_global_stats: true", "TRAIN", "caffe2keras>StoredStatisticsNormalization"),
        ("use_global_stats: true", "TEST", "BatchNormalization"),
        ("", "TRAIN", "BatchNormalization"),
    ],
)
def test_stored_statistics_stay_stored_in_training(
    params: str, phase: str, class_name: str, tmp_path: Path
) -> None:
    norm = 'layer { name: "n" type: "BatchNorm" bottom: "x" top: "n" batch_norm_param { %s } }\n'
    layers = norm % params + FC % "n" + (LOSS if phase == "TRAIN" else "")
    assert class_name in classes(trained(tmp_path, layers, phase))


def test_only_the_batch_norm_that_says_so_keeps_its_statistics(tmp_path: Path) -> None:
    layers = (
        'layer { name: "n" type: "BatchNorm" bottom: "x" top: "n" '
        "batch_norm_param { use_global_stats: true } }\n"
        'layer { name: "m" type: "BatchNorm" bottom: "n" top: "m" }\n' + FC % "m" + LOSS
    )
    kinds = classes(trained(tmp_path, layers))
    assert kinds.count("caffe2keras>StoredStatisticsNormalization") == 1
    assert kinds.count("BatchNormalization") == 1


def a_sum(flags: str) -> str:
    twice = 'layer { name: "r" type: "AbsVal" bottom: "x" top: "r" }\n'
    twice += 'layer { name: "q" type: "TanH" bottom: "x" top: "q" }\n'
    return (
        twice + f'layer {{ name: "s" type: "Eltwise" bottom: "r" bottom: "q" top: "s" {flags} }}\n'
    )


@pytest.mark.parametrize(
    ("flags", "stops"),
    [
        ("", ()),
        ("propagate_down: [true, true]", ()),
        ("propagate_down: [false, true]", (0,)),
        ("propagate_down: [true, false]", (1,)),
        ("propagate_down: [false, false]", (0, 1)),
    ],
)
def test_gradients_end_where_the_net_says_so(flags: str, stops, tmp_path: Path) -> None:
    layers = a_sum(flags) + FC % "s" + LOSS
    path = tmp_path / "net.prototxt"
    path.write_text(DATA + layers)
    net = load_net(path, phase="TRAIN")
    (summed,) = (one for one in net.layers if one.name == "s")
    assert stopped_bottoms(summed) == stops
    model = trained(tmp_path, layers)
    names = [n.name for n in model.layers if n.layer.class_name == "caffe2keras>StopGradient"]
    assert names == [("r_stop", "q_stop")[k] for k in stops]


def test_no_gradient_goes_back_into_what_is_fed(tmp_path: Path) -> None:
    layers = (FC % "x").replace("top:", "propagate_down: false top:", 1) + LOSS
    assert "caffe2keras>StopGradient" not in classes(trained(tmp_path, layers))


def test_predictions_stop_no_gradient(tmp_path: Path) -> None:
    model = trained(tmp_path, a_sum("propagate_down: [false, true]") + FC % "s", "TEST")
    assert "caffe2keras>StopGradient" not in classes(model)


def test_a_gradient_cannot_end_within_a_keras_layer(tmp_path: Path) -> None:
    layers = (
        'layer { name: "n" type: "BatchNorm" bottom: "x" top: "n" }\n'
        'layer { name: "s" type: "Scale" bottom: "n" top: "s" propagate_down: false }\n'
    )
    with pytest.raises(UnsupportedError, match="propagate_down: false of s"):
        trained(tmp_path, layers + FC % "s" + LOSS)


def test_one_flag_for_bottoms_that_were_taken_out(tmp_path: Path) -> None:
    layers = a_sum("propagate_down: [false, true]") + FC % "s" + LOSS
    path = tmp_path / "net.prototxt"
    path.write_text(DATA + layers)
    (summed,) = (one for one in load_net(path, phase="TRAIN").layers if one.name == "s")
    summed.params.message.propagate_down.append(True)
    with pytest.raises(UnsupportedCombinationError):
        stopped_bottoms(summed)
    del summed.params.message.propagate_down[:]
    summed.params.message.propagate_down.extend([False] * 3)
    assert stopped_bottoms(summed) == (0, 1)


def test_a_loss_of_three_bottoms_is_refused(tmp_path: Path) -> None:
    layers = FC % "x" + LOSS.replace('bottom: "t"', 'bottom: "t" bottom: "x"')
    with pytest.raises(UnsupportedError, match="SoftmaxWithLoss with 3 bottoms"):
        trained(tmp_path, layers)


@pytest.mark.parametrize(
    ("loss", "shapes", "told"),
    [
        ('"SigmoidCrossEntropyLoss"', ((4, 1), (4, 1)), "BinaryCrossentropy"),
        ('"SigmoidCrossEntropyLoss"', ((4, 2), (4, 2)), "caffe2keras>SigmoidCrossEntropyLoss"),
        (
            '"SigmoidCrossEntropyLoss" loss_param { normalization: FULL }',
            ((4, 2), (4, 2)),
            "BinaryCrossentropy",
        ),
        (
            '"SigmoidCrossEntropyLoss" loss_param { normalization: VALID }',
            ((4, 2), (4, 2)),
            "BinaryCrossentropy",
        ),
        (
            '"SigmoidCrossEntropyLoss" loss_param { normalization: NONE }',
            ((4, 1), (4, 1)),
            "caffe2keras>SigmoidCrossEntropyLoss",
        ),
        (
            '"SigmoidCrossEntropyLoss" loss_param { ignore_label: 1 }',
            ((4, 1), (4, 1)),
            "caffe2keras>SigmoidCrossEntropyLoss",
        ),
        ('"SoftmaxWithLoss"', ((4, 5), (4,)), "SparseCategoricalCrossentropy"),
        ('"SoftmaxWithLoss"', ((4, 5), (4, 1)), "SparseCategoricalCrossentropy"),
        ('"SoftmaxWithLoss"', ((4, 5, 2), (4, 2)), "caffe2keras>SoftmaxWithLoss"),
        (
            '"SoftmaxWithLoss" loss_param { ignore_label: 1 }',
            ((4, 5), (4,)),
            "caffe2keras>SoftmaxWithLoss",
        ),
        (
            '"SoftmaxWithLoss" loss_param { normalization: NONE }',
            ((4, 5), (4,)),
            "caffe2keras>SoftmaxWithLoss",
        ),
    ],
)
def test_a_loss_is_kerass_own_where_that_is_the_same(loss, shapes, told, tmp_path) -> None:
    fed = [
        f'layer {{ name: "{name}" type: "Input" top: "{name}" '
        f"input_param {{ shape {{ dim: {list(shape)} }} }} }}\n"
        for name, shape in zip("xt", shapes, strict=True)
    ]
    text = "".join(fed) + (
        'layer { name: "a" type: "AbsVal" bottom: "x" top: "a" }\n'
        f'layer {{ name: "l" bottom: "a" bottom: "t" top: "l" type: {loss} }}\n'
    )
    path = tmp_path / "net.prototxt"
    path.write_text(text)
    (head,) = map_net(load_net(path, phase="TRAIN")).heads
    assert head.loss is not None
    assert head.loss["class_name"] == told


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ("", "SparseCategoricalAccuracy"),
        ("top_k: 2", "SparseTopKCategoricalAccuracy"),
        ("ignore_label: 1", "caffe2keras>Accuracy"),
    ],
)
def test_an_accuracy_is_a_metric(params: str, told: str, tmp_path: Path) -> None:
    accuracy = (
        'layer { name: "a/1" type: "Accuracy" bottom: "fc" bottom: "t" top: "a" '
        f"accuracy_param {{ {params} }} }}\n"
    )
    (head,) = trained(tmp_path, FC % "x" + LOSS + accuracy).heads or ()
    (metric,) = head.metrics
    assert metric["class_name"] == told
    assert metric["config"]["name"] == "a_1"
    assert metric["config"].get("k") == (2 if "top_k" in params else None)
