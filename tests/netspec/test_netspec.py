"""NetSpec where no recorded script goes: forks' layers, long chains, properties, wrong use."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe2keras.errors import Caffe2KerasError, NetSpecError
from caffe2keras.netspec import Function, Layers, NetSpec, Parameters, Top, to_proto
from caffe2keras.netspec import layers as L
from caffe2keras.netspec import params as P
from caffe2keras.proto.caffe_pb2 import LayerParameter, PoolingParameter
from caffe2keras.read.prototxt import parse_prototxt
from caffe2keras.read.schema import FieldSpec, fields_of

DATA = L.Input(shape=dict(dim=[2, 3, 11, 8]))


def last(top: Top | Function) -> LayerParameter:
    """The layer that makes a top, written."""
    return top.to_proto().layer[-1]


# Contract


def test_the_pieces_are_pycaffes() -> None:
    top = Layers().Slice(DATA, ntop=2)[1]
    assert (type(top), top.n, type(top.fn)) == (Top, 1, Function)
    assert (top.fn.type_name, top.fn.inputs, top.fn.ntop) == ("Slice", (DATA,), 2)
    assert Parameters().Pooling.AVE == P.Pooling.AVE == PoolingParameter.AVE


def test_layers_of_forks_have_their_parameters() -> None:
    boxes = L.PriorBox(DATA, DATA, min_size=3.5, aspect_ratio=[2, 3], flip=True)
    assert list(last(boxes).prior_box_param.aspect_ratio) == [2, 3]
    found = L.DetectionOutput(DATA, code_type=P.PriorBox.CENTER_SIZE)
    assert last(found).detection_output_param.code_type == P.PriorBox.CENTER_SIZE
    assert last(L.Normalize(DATA, across_spatial=False)).HasField("norm_param")
    assert last(L.ReLU(DATA, negative_slope=0.5)).relu_param.negative_slope == 0.5


def test_a_type_that_nobody_knows_is_a_layer_too() -> None:
    layer = last(L.Homemade(DATA, loss_weight=3, python_param=dict(module="m", layer="l")))
    assert (layer.type, layer.python_param.module) == ("Homemade", "m")
    assert list(layer.loss_weight) == [3]


def test_ssds_scripts_find_the_methods_of_their_netspec() -> None:
    n = NetSpec()
    n.data, n.conv = DATA, L.Convolution(DATA, num_output=4)
    n.update("conv", {"num_output": 5})
    assert n.conv.to_proto().layer[-1].convolution_param.num_output == 5
    assert (n.keys(), n.vals()) == (["data", "conv"], [DATA, n.conv])
    del n["conv"]
    assert n.keys() == ["data"]


def test_blobs_may_be_called_as_the_methods_of_ssd() -> None:
    n = NetSpec()
    n.keys = DATA
    assert n.keys is n["keys"] is DATA


def test_a_netspec_can_be_copied() -> None:
    n = NetSpec()
    n.data = DATA
    assert copy.copy(n).data is DATA
    assert [layer.name for layer in copy.deepcopy(n).to_proto().layer] == ["data"]


def test_thousands_of_layers_may_hang_in_one_chain() -> None:
    top = DATA
    for _ in range(3000):
        top = L.Power(top)
    assert top.to_proto().layer[-1].name == "Power3000"


def test_layers_without_tops_are_written_by_themselves_too() -> None:
    net = to_proto(L.Silence(DATA, ntop=0))
    assert [layer.name for layer in net.layer] == ["Input1", "Silence1"]


def test_enums_may_be_given_by_name() -> None:
    assert last(L.Pooling(DATA, pool="AVE")).pooling_param.pool == P.Pooling.AVE


def test_completion_knows_the_constants() -> None:
    assert "Pooling" in dir(P)
    assert {"MAX", "AVE"} <= set(dir(P.Pooling))


# Property: what is written is read back

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "a string in quotes": NAMES,
    "a number": st.floats(width=32, allow_nan=False),
    "true or false": st.booleans(),
}


def values(field: FieldSpec) -> st.SearchStrategy[Any]:
    """Python values for a field, lists and dicts included."""
    if field.child is not None:
        one: st.SearchStrategy[Any] = arguments(field.child, ())
    elif field.enum is not None:
        one = st.sampled_from([value.number for value in field.enum.values])
    else:
        one = SCALARS.get(field.expects, st.integers(0, 9))
    return st.one_of(one, st.lists(one, max_size=3)) if field.repeated else one


def arguments(message: Any, without: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    known = {name: f for name, f in fields_of(message).items() if name not in without}
    if not known:
        return st.just({})
    drawn = st.lists(st.sampled_from(sorted(known)), max_size=3, unique=True)
    return drawn.flatmap(lambda names: st.fixed_dictionaries({n: values(known[n]) for n in names}))


WIRES = ("name", "type", "bottom", "top", "blobs")


@st.composite
def specs(draw: st.DrawFn) -> NetSpec:
    """A net of a few layers of any kind, wired at random."""
    n = NetSpec()
    tops: list[Top] = []
    for _ in range(draw(st.integers(1, 5))):
        inputs = draw(st.lists(st.sampled_from(tops), max_size=2)) if tops else []
        words = draw(arguments(LayerParameter.DESCRIPTOR, WIRES))
        made = L.Homemade(*inputs, ntop=draw(st.integers(1, 2)), **words)
        tops += made if isinstance(made, tuple) else [made]
        n[draw(NAMES)] = tops[-1]
    return n


@settings(max_examples=60, deadline=None)
@given(specs())
def test_what_is_written_is_read_back_the_same(n: NetSpec) -> None:
    net = n.to_proto()
    back = parse_prototxt(str(net), "net.prototxt")
    for layer in back.layer:
        layer.ClearField("source_line")
        layer.ClearField("source_column")
    assert back == net


# Wrong use


def two_tops_for_one_name() -> None:
    n = NetSpec()
    n.parts = L.Slice(DATA, ntop=2)
    n.to_proto()


WRONG: dict[str, Callable[[], object]] = {
    "misspelled": lambda: last(L.Pooling(DATA, kernal_size=3)),
    "misspelled in a dict": lambda: last(L.Convolution(DATA, weight_filler=dict(typ="xavier"))),
    "misspelled in a list": lambda: last(L.Convolution(DATA, param=[{}, dict(lr_mul=2)])),
    "the message misspelled": lambda: last(L.Convolution(DATA, conv_param=dict(num_output=3))),
    "a layer's own field": lambda: last(L.ReLU(DATA, los_weight=3)),
    "parameters under another name": lambda: last(L.Deconvolution(DATA, num_output=3)),
    "an unknown type": lambda: last(L.Homemade(DATA, num_output=3)),
    "of the wrong type": lambda: last(L.Convolution(DATA, num_output="three")),
    "a tuple": lambda: last(L.Convolution(DATA, kernel_size=(3, 2))),
    "a list for one value": lambda: last(L.InnerProduct(DATA, num_output=[3])),
    "no member of the enum": lambda: last(L.Pooling(DATA, pool="MXA")),
    "a number for a message": lambda: last(L.Pooling(DATA, pooling_param=3)),
    "our bookkeeping": lambda: last(L.ReLU(DATA, source_line=3)),
    "no top": lambda: L.ReLU("data"),
    "two tops for one input": lambda: L.ReLU(L.Slice(DATA, ntop=2)),
    "two tops for one name": two_tops_for_one_name,
    "a constant": lambda: P.Pooling.MXA,
    "a message of constants": lambda: P.Pool.MAX,
    "a message without constants": lambda: P.Input.MAX,
    "a blob": lambda: NetSpec().data,
}


def test_every_mistake_has_a_message(golden: Callable[[str, str], None]) -> None:
    messages = []
    for name, wrong in WRONG.items():
        with pytest.raises(NetSpecError) as caught:
            wrong()
        messages.append(f"{name}: {caught.value}\n")
    # protobuf's own words differ from version to version
    golden("errors/netspec", "".join(m for m in messages if "cannot be" not in m))


@pytest.mark.parametrize("kind", [Caffe2KerasError, AttributeError, KeyError, TypeError])
def test_who_caught_pycaffes_errors_catches_ours(kind: type[Exception]) -> None:
    with pytest.raises(kind):
        WRONG["misspelled"]()


def test_who_divides_as_in_python_2_is_told_how_python_3_does() -> None:
    with pytest.raises(NetSpecError) as caught:
        last(L.Convolution(DATA, num_output=64 / 2))
    assert caught.value.hint == "32; in Python 3 it is // that divides to whole numbers"


def test_asking_whether_a_blob_is_there_is_no_error() -> None:
    assert not hasattr(NetSpec(), "data")


def test_the_error_crosses_process_boundaries() -> None:
    with pytest.raises(NetSpecError) as caught:
        WRONG["misspelled"]()
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
