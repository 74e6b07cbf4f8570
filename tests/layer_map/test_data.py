"""DummyData and Parameter: blobs that the net makes itself."""

from __future__ import annotations

import keras
import pytest

from caffe2keras.errors import GraphError
from caffe2keras.layer_map import map_net

SUM = 'layer { name: "s" type: "Eltwise" bottom: "x" bottom: "d" top: "y" }'
FILLED = 'layer { name: "d" type: "DummyData" top: "d" dummy_data_param { %s } }\n' + SUM
FLAT = "shape { dim: 2 dim: 3 dim: 5 dim: 4 }"


@pytest.mark.backend
@pytest.mark.parametrize(
    "fields",
    [
        FLAT,
        f'{FLAT} data_filler {{ type: "constant" value: 1.5 }}',
        'num: 2 channels: 3 height: 5 width: 4 data_filler { type: "constant" value: -2 }',
    ],
)
def test_a_blob_is_filled_with_one_number(fields: str, checked) -> None:
    made = checked(FILLED % fields, x=(2, 3, 5, 4))
    assert made.classes == ("caffe2keras>Constant", "Add")
    assert made.report.static_batch == 2


@pytest.mark.backend
@pytest.mark.parametrize(
    "fillers",
    [
        'data_filler { type: "constant" value: 1.5 }',
        'data_filler { type: "constant" value: 1.5 } data_filler { type: "constant" value: 3 }',
    ],
)
def test_several_tops_share_a_filler_or_have_their_own(fillers: str, checked) -> None:
    made = checked(
        'layer { name: "d" type: "DummyData" top: "d" top: "e" dummy_data_param {'
        f" shape {{ dim: 2 dim: 3 }} shape {{ dim: 2 dim: 3 dim: 5 dim: 4 }} {fillers} }} }}\n"
        'layer { name: "s" type: "Eltwise" bottom: "x" bottom: "e" top: "y" }\n'
        'layer { name: "t" type: "Eltwise" bottom: "v" bottom: "d" top: "w" }\n',
        x=(2, 3, 5, 4),
        v=(2, 3),
    )
    assert made.classes.count("caffe2keras>Constant") == 2


def test_the_constants_of_several_tops_are_numbered(net_of) -> None:
    text = (
        'layer { name: "d" type: "DummyData" top: "d" top: "e" dummy_data_param {'
        " shape { dim: 2 dim: 3 } } }\n"
        'layer { name: "s" type: "Eltwise" bottom: "d" bottom: "x" bottom: "e" top: "y" }\n'
    )
    names = [named.name for named in map_net(net_of(text, x=(2, 3))).layers]
    assert names == ["x", "d_0", "d_1", "s"]
    one = map_net(net_of(FILLED % "shape { dim: 2 dim: 3 }", x=(2, 3)))
    assert [named.name for named in one.layers] == ["x", "d", "s"]


def test_a_blob_of_random_numbers_is_refused(refusal) -> None:
    told = refusal(FILLED % f'{FLAT} data_filler {{ type: "gaussian" }}', x=(2, 3, 5, 4))
    assert "random numbers" in told or "gaussian" in told


@pytest.mark.backend
def test_a_learned_blob_of_its_own_is_a_constant(checked) -> None:
    layers = f'layer {{ name: "d" type: "Parameter" top: "d" parameter_param {{ {FLAT} }} }}\n'
    made = checked(layers + SUM, x=(2, 3, 5, 4))
    assert made.classes == ("caffe2keras>Constant", "Add")
    assert made.report.static_batch == 2
    model = keras.saving.load_model(made.report.output)
    assert not model.trainable_weights
    assert [tuple(w.shape) for w in model.weights] == [(2, 5, 4, 3)]


def test_a_net_of_learned_blobs_only_has_nothing_to_be_fed(net_of) -> None:
    net = net_of(f'layer {{ name: "d" type: "Parameter" top: "d" parameter_param {{ {FLAT} }} }}')
    with pytest.raises(GraphError, match="stands before any input") as caught:
        map_net(net)
    assert caught.value.where == net.layers[0].where
