"""caffe.proto: its bindings are up to date, BVLC's facts exact, and forks clash with nothing."""

from __future__ import annotations

import ast
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, text_format
from google.protobuf.internal import api_implementation
from schema_source import SOURCE, Field, Schema, SourceReader, canonical

from caffe2keras.proto import caffe_pb2

BVLC_FIELDS = Path(__file__).with_name("bvlc_fields.txt")
BVLC_VALUES = Path(__file__).with_name("bvlc_values.txt")
OUR_RANGE = range(20001, 20100)
FORK_RANGE = range(10001, 19000)

FieldProto = descriptor_pb2.FieldDescriptorProto


def compiled() -> descriptor_pb2.FileDescriptorProto:
    """What the committed bindings were compiled from."""
    file = descriptor_pb2.FileDescriptorProto()
    caffe_pb2.DESCRIPTOR.CopyToProto(file)
    return file


def messages() -> Iterator[descriptor_pb2.DescriptorProto]:
    return iter(compiled().message_type)


def as_declared(message: str, proto: FieldProto) -> Field:
    """Say what the descriptor says of a field in the words of the source."""
    kind = proto.type_name.removeprefix(".caffe.").removeprefix(f"{message}.")
    kind = kind or FieldProto.Type.Name(proto.type).removeprefix("TYPE_").lower()
    label = FieldProto.Label.Name(proto.label).removeprefix("LABEL_").lower()
    default = canonical(kind, proto.default_value) if proto.HasField("default_value") else None
    return Field(proto.number, label, kind, default, proto.options.packed)


def schema_of_the_bindings() -> Schema:
    schema = Schema()
    for enum in compiled().enum_type:
        schema.values |= {f"{enum.name}.{value.name}": value.number for value in enum.value}
    for message in messages():
        for proto in message.field:
            schema.fields[f"{message.name}.{proto.name}"] = as_declared(message.name, proto)
        for enum in message.enum_type:
            scope = f"{message.name}.{enum.name}"
            schema.values |= {f"{scope}.{value.name}": value.number for value in enum.value}
    return schema


@pytest.fixture(scope="module")
def source() -> Schema:
    return SourceReader(SOURCE.read_text()).read()


@pytest.fixture(scope="module")
def bindings() -> Schema:
    return schema_of_the_bindings()


def bvlc_fields() -> dict[str, str]:
    return dict(line.split(" = ", 1) for line in BVLC_FIELDS.read_text().splitlines())


def bvlc_values() -> dict[str, int]:
    lines = (line.split(" = ") for line in BVLC_VALUES.read_text().splitlines())
    return {name: int(number) for name, number in lines}


# The bindings


def test_the_bindings_have_the_fields_that_the_source_declares(
    source: Schema, bindings: Schema
) -> None:
    assert len(source.fields) > 1000
    assert bindings.fields == source.fields


def test_the_bindings_have_the_enum_values_that_the_source_declares(
    source: Schema, bindings: Schema
) -> None:
    assert len(source.values) > 200
    assert bindings.values == source.values


def test_the_second_reader_sees_a_change_of_any_part_of_a_field() -> None:
    text = "message M { repeated float data = 5 [packed = true, default = 1.]; }"
    field = SourceReader(text).read().fields["M.data"]
    assert field == Field(5, "repeated", "float", "1.0", packed=True)
    for old, new in [("5", "6"), ("repeated", "optional"), ("float", "double"), ("1.", "2.")]:
        assert SourceReader(text.replace(old, new)).read().fields["M.data"] != field
    assert SourceReader(text.replace("true", "false")).read().fields["M.data"] != field


def test_the_stubs_declare_every_message_and_field() -> None:
    stubs = ast.parse(Path(caffe_pb2.__file__).with_suffix(".pyi").read_text())
    classes = {node.name: node for node in stubs.body if isinstance(node, ast.ClassDef)}
    for message in messages():
        body = classes[message.name].body
        declared = {node.name for node in body if isinstance(node, ast.FunctionDef)}
        declared |= {node.target.id for node in body if isinstance(node, ast.AnnAssign)}
        assert {proto.name for proto in message.field} <= declared, message.name


# The numbers


def test_bvlc_fields_are_exact(bindings: Schema) -> None:
    declared = bvlc_fields()
    assert len(declared) == 423
    assert {name: str(bindings.fields.get(name)) for name in declared} == declared


def test_bvlc_enum_values_are_exact(bindings: Schema) -> None:
    declared = bvlc_values()
    assert len(declared) == 111
    assert {name: bindings.values.get(name) for name in declared} == declared


def test_no_number_is_given_twice(source: Schema) -> None:
    for names in (source.fields, source.values):
        taken: dict[tuple[str, int], str] = {}
        for name, declared in names.items():
            number = declared if isinstance(declared, int) else declared.number
            other = taken.setdefault((name.rpartition(".")[0], number), name)
            assert other == name


def test_what_is_not_bvlcs_never_has_a_bvlc_number(source: Schema) -> None:
    bvlc = bvlc_fields()
    numbers = {(name.split(".")[0], int(text.split()[0])) for name, text in bvlc.items()}
    added = {name: field for name, field in source.fields.items() if name not in bvlc}
    assert added
    assert not [n for n, field in added.items() if (n.split(".")[0], field.number) in numbers]


def test_what_is_not_bvlcs_is_never_required(source: Schema) -> None:
    required = {name for name, field in source.fields.items() if field.label == "required"}
    assert required == {"ClipParameter.min", "ClipParameter.max"}


def test_only_our_bookkeeping_is_numbered_in_our_range(source: Schema) -> None:
    ours = {name for name, field in source.fields.items() if field.number in OUR_RANGE}
    layers = ("LayerParameter", "V1LayerParameter", "V0LayerParameter")
    assert ours == {
        "NetParameter.unknown_field",
        "V1LayerParameter.unknown_type",
        *(f"{m}.{f}" for m in layers for f in ("unknown_field", "source_line", "source_column")),
    }


def test_a_fork_without_its_own_number_is_numbered_in_the_range_for_it(source: Schema) -> None:
    bvlc = bvlc_fields()
    high = {
        name: field.number
        for name, field in source.fields.items()
        if field.number > 10000 and name not in bvlc
    }
    forks_own = {"roi_pooling_param", "smooth_l1_loss_param", "transpose_param"}
    strays = {name for name, number in high.items() if number not in (*FORK_RANGE, *OUR_RANGE)}
    assert strays == {f"LayerParameter.{name}" for name in forks_own}


# Text and wire


@pytest.mark.parametrize(
    "text",
    [
        'layer { name: "c" type: "Convolution" convolution_param { pad: 1 pad: 0 stride: 2 } }',
        'layers { name: "r" type: RELU bottom: "x" top: "x" relu_param { negative_slope: 0.1 } }',
        'layers { layer { name: "p" type: "pool" kernelsize: 3 pool: AVE } bottom: "x" top: "y" }',
        'input: "data" input_shape { dim: 1 dim: 3 dim: 7 dim: 5 }',
    ],
    ids=["current", "V1", "V0", "inputs"],
)
def test_a_net_of_any_generation_survives_text_and_wire(text: str) -> None:
    net = text_format.Parse(text, caffe_pb2.NetParameter())
    again = caffe_pb2.NetParameter.FromString(net.SerializeToString())
    assert again == net
    assert text_format.Parse(text_format.MessageToString(again), caffe_pb2.NetParameter()) == net


def test_a_blob_reads_from_the_bytes_that_caffe_writes() -> None:
    shape = b"\x3a\x04\x0a\x02\x02\x01"  # field 7, {field 1 packed: 2, 1}
    data = b"\x2a\x08" + b"\x00\x00\x80\x3f\x00\x00\x00\xc0"  # field 5 packed: 1, -2
    blob = caffe_pb2.BlobProto.FromString(shape + data)
    assert list(blob.shape.dim) == [2, 1]
    assert list(blob.data) == [1.0, -2.0]
    assert blob.SerializeToString() == data + shape


def test_a_blob_of_halves_reads_from_the_bytes_that_nvidias_caffe_writes() -> None:
    blob = caffe_pb2.BlobProto.FromString(b"\x50\x02" + b"\x62\x02\x00\x3c")  # fields 10 and 12
    assert blob.raw_data_type == caffe_pb2.FLOAT16
    assert blob.raw_data == b"\x00\x3c"


def test_a_v0_layer_on_the_wire_is_a_v1_layer_that_holds_one() -> None:
    v0 = b"\x0a\x03\x12\x01p" + b"\x12\x01x"  # field 1, {field 2: "p"}; field 2: "x"
    net = caffe_pb2.NetParameter.FromString(b"\x12" + bytes([len(v0)]) + v0)
    assert net.layers[0].layer.type == "p"
    assert list(net.layers[0].bottom) == ["x"]
    assert not net.layers[0].HasField("type")


def test_a_message_can_be_sent_to_another_process() -> None:
    net = caffe_pb2.NetParameter(name="n", layer=[caffe_pb2.LayerParameter(name="l")])
    assert pickle.loads(pickle.dumps(net)) == net


@pytest.mark.skipif(
    api_implementation.Type() == "python",
    reason="protobuf's pure-Python runtime puts every message into the default pool as well",
)
def test_somebody_elses_caffe_messages_can_be_loaded_beside_ours() -> None:
    theirs = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe")
    theirs.message_type.add(name="NetParameter")
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(theirs.SerializeToString())
    assert not pool.FindMessageTypeByName("caffe.NetParameter").fields
    assert caffe_pb2.NetParameter.DESCRIPTOR.fields_by_name["layer"].number == 100
