"""Protobuf's text format: what protobuf's own reader reads, ours reads alike."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe2keras.errors import PrototxtError
from caffe2keras.proto import caffe_pb2
from caffe2keras.read.prototxt import parse_prototxt
from caffe2keras.read.schema import BOOKKEEPING
from caffe2keras.read.textformat import parse_text


def layer(body: str) -> caffe_pb2.LayerParameter:
    """The layer of a net that has only this one."""
    return parse_prototxt(f"layer {{ {body} }}", "net.prototxt").layer[0]


def refusal(text: str) -> str:
    with pytest.raises(PrototxtError) as caught:
        parse_prototxt(text, "net.prototxt")
    return str(caught.value)


def unknown(message: Any) -> list[tuple[str, str, str]]:
    return [(field.path, field.value, field.suggestion) for field in message.unknown_field]


# Values


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3", 3.0),
        ("-3", -3.0),
        ("- 3", -3.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.5e1", -5.0),
        ("1e-5f", float.fromhex("0x1.4f8b58p-17")),
        ("2F", 2.0),
        ("inf", float("inf")),
        ("-Infinity", float("-inf")),
        ("1e999", float("inf")),
        ("18446744073709551616", 2.0**64),
    ],
)
def test_floats_come_in_every_spelling(text: str, number: float) -> None:
    assert list(layer(f"loss_weight: {text}").loss_weight) == [number]


def test_not_a_number_is_a_float() -> None:
    assert [str(value) for value in layer("loss_weight: [nan, -nan]").loss_weight] == ["nan"] * 2


@pytest.mark.parametrize("text", ["010", "-0123", "0x1F", "0.5.5", "1e", "infinit", '"1"', "{}"])
def test_what_is_no_float_is_refused(text: str) -> None:
    refusal(f"layer {{ loss_weight: {text} }}")


@pytest.mark.parametrize(
    ("text", "number"), [("7", 7), ("0x1F", 31), ("0XfF", 255), ("017", 15), ("0", 0), ("00", 0)]
)
def test_integers_are_decimal_hexadecimal_or_octal(text: str, number: int) -> None:
    assert layer(f"convolution_param {{ num_output: {text} }}").convolution_param.num_output == (
        number
    )


def test_negative_integers_may_stand_apart_from_their_sign() -> None:
    net = parse_prototxt("layer { softmax_param { axis: - 0x2 } }", "net.prototxt")
    assert net.layer[0].softmax_param.axis == -2


@pytest.mark.parametrize("text", ["08", "1.0", "3f", "-1", "4294967296", "9" * 40, "9" * 5000])
def test_what_is_no_unsigned_integer_is_refused(text: str) -> None:
    assert "expected an integer between 0 and 4294967295" in refusal(
        f"layer {{ convolution_param {{ num_output: {text} }} }}"
    )


def test_booleans_come_in_eight_spellings() -> None:
    texts = ["true", "True", "t", "1", "false", "False", "f", "0"]
    read = layer("".join(f"propagate_down: {text} " for text in texts)).propagate_down
    assert list(read) == [True] * 4 + [False] * 4


@pytest.mark.parametrize("text", ["TRUE", "yes", "2", '"true"', "1.0"])
def test_other_booleans_are_refused(text: str) -> None:
    assert f"propagate_down: expected true or false, received {text}" in refusal(
        f"layer {{ propagate_down: {text} }}"
    )


def test_enums_come_by_name_or_number() -> None:
    assert layer("phase: TEST").phase == layer("phase: 1").phase == caffe_pb2.TEST


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        ('"a"', "a"),
        ("'a'", "a"),
        ('"it\'s"', "it's"),
        ('"a" "b"\n # between\n \'c\'', "abc"),
        (r'"\x41\101\n\t\\\"\'\?\a\b\f\r\v"', "AA\n\t\\\"'?\a\b\f\r\v"),
        (r'"\u00e9\U0001F600"', "é😀"),
        (r'"\303\251"', "é"),
        (r'"\xe9"', "é"),
        ('"#{}"', "#{}"),
        ('""', ""),
    ],
)
def test_strings_are_unquoted(literal: str, text: str) -> None:
    assert layer(f"name: {literal}").name == text


def test_bytes_need_not_be_text() -> None:
    blob = layer(r"""blobs { raw_data: "\377\x00" '\303' }""").blobs[0]
    assert blob.raw_data == b"\xff\x00\xc3"


@pytest.mark.parametrize("literal", [r'"\q"', r'"\777"', r'"\ud800"', r'"\U00110000"'])
def test_escapes_that_mean_nothing_are_refused(literal: str) -> None:
    assert r"write a plain backslash as \\" in refusal(f"layer {{ name: {literal} }}")


# Structure


def test_lists_hold_any_number_of_values_or_messages() -> None:
    read = layer(
        "bottom: ['a', \"b\"] top: [] param: [ { lr_mult: 2 }, < lr_mult: 0.5 > ], "
        "convolution_param { kernel_size: [3,5]; pad: [1] }"
    )
    assert (list(read.bottom), list(read.top)) == (["a", "b"], [])
    assert [spec.lr_mult for spec in read.param] == [2.0, 0.5]
    assert list(read.convolution_param.kernel_size) == [3, 5]


@pytest.mark.parametrize("text", ["[1,]", "[,1]", "[1 2]", "[1;2]", "[1", "[[1]]", "[1}"])
def test_broken_lists_are_refused(text: str) -> None:
    refusal(f"layer {{ loss_weight: {text} }}")


def test_braces_separators_and_blanks_are_free() -> None:
    texts = [
        'layer { name: "a" bottom: "b" }',
        'layer: < name: "a"; bottom: "b", >;',
        '\tlayer\n:\n{name:"a"bottom:"b"}',
        '# first\nlayer#{\n{#}\nname#"\n:#\n"a" bottom :"b"}# last',
    ]
    read = [parse_prototxt(text, "net.prototxt").layer[0] for text in texts]
    assert {(one.name, tuple(one.bottom)) for one in read} == {("a", ("b",))}


def test_numbers_may_touch_the_next_name() -> None:
    param = layer("convolution_param { num_output: 4kernel_size: 3pad:1}").convolution_param
    assert (param.num_output, param.kernel_size[0], param.pad[0]) == (4, 3, 1)


def test_an_empty_message_counts_as_given() -> None:
    assert layer("pooling_param {}").HasField("pooling_param")


def test_deep_nesting_ends_in_an_error() -> None:
    for text in ("a {" * 100_000, "layer { a: [{" * 50_000, "layer { layer {" * 50_000):
        assert "messages are nested more than 100 deep" in refusal(text)


def test_layers_of_every_generation_know_their_place() -> None:
    net = parse_prototxt('\n  layer {}\nlayers {\n  layer { name: "v0" }\n}', "net.prototxt")
    places = [net.layer[0], net.layers[0], net.layers[0].layer]
    assert [(one.source_line, one.source_column) for one in places] == [(2, 3), (3, 1), (4, 3)]


# What is not in the schema


def test_unknown_fields_are_kept_with_a_guess() -> None:
    read = layer("convolution_param {\n kernal_size: 3 zebra { stripes: 8 # many\n }\n }")
    assert unknown(read) == [
        ("convolution_param.kernal_size", "3", "kernel_size"),
        ("convolution_param.zebra", "{ stripes: 8 }", ""),
    ]
    assert [(one.line, one.column) for one in read.unknown_field] == [(2, 2), (2, 17)]


def test_unknown_fields_in_repeated_messages_carry_an_index() -> None:
    assert unknown(layer("param { lr_mult: 1 } param { lr: 2 }"))[0][:2] == ("param[1].lr", "2")


def test_unknown_values_are_kept_as_written() -> None:
    body = "a: [1, { b: 2 }]; c: \"x # y\" 'z' d: <e{}>, f: FOO g: -1.5f"
    assert [value for _, value, _ in unknown(layer(body))] == [
        "[1, { b: 2 }]",
        "\"x # y\" 'z'",
        "<e{}>",
        "FOO",
        "-1.5f",
    ]


def test_unknown_fields_of_the_net_stay_with_the_net() -> None:
    net = parse_prototxt('input: "data" inputs: "data" state { lever: 3 }', "net.prototxt")
    assert unknown(net) == [("inputs", '"data"', "input"), ("state.lever", "3", "level")]


def test_unknown_fields_of_old_layers_stay_with_them() -> None:
    net = parse_prototxt('layers { layer { kernalsize: 3 } botom: "a" }', "net.prototxt")
    assert unknown(net.layers[0]) == [("botom", '"a"', "bottom")]
    assert unknown(net.layers[0].layer) == [("kernalsize", "3", "kernelsize")]


def test_unknown_members_of_enums_are_kept_with_a_guess() -> None:
    read = layer("pooling_param { pool: max } include { phase: TESTING } phase: 7")
    assert unknown(read) == [
        ("pooling_param.pool", "max", "MAX"),
        ("include[0].phase", "TESTING", "TEST"),
        ("phase", "7", ""),
    ]


def test_an_unknown_type_of_an_old_layer_is_kept_apart() -> None:
    old = parse_prototxt("layers { type: WARP }", "net.prototxt").layers[0]
    assert (old.unknown_type, unknown(old)) == ("WARP", [("type", "WARP", "")])


def test_our_own_bookkeeping_cannot_be_written_by_an_author() -> None:
    read = layer('source_line: 7 unknown_field { path: "x" } name: "a"')
    assert [path for path, _, _ in unknown(read)] == ["source_line", "unknown_field"]
    assert read.source_line == 1


def test_where_nothing_keeps_unknown_fields_they_are_errors() -> None:
    with pytest.raises(PrototxtError) as caught:
        parse_text("base_lr: 0.1\nmomentun: 0.9", caffe_pb2.SolverParameter(), "solver.prototxt")
    assert str(caught.value) == (
        "unknown field or value: momentun: 0.9\n"
        "  in: solver.prototxt:2:1\n"
        "  try: did you mean momentum?"
    )


# Messages

_REFUSALS = {
    'layer {\n  name: "a"\n': (
        "the file ends before this message does\n"
        "  in: net.prototxt:1:7\n"
        '  try: add the "}" that is missing'
    ),
    "layer { } }": (
        '"}" closes nothing\n'
        "  in: net.prototxt:1:11\n"
        "  try: there is one too many, or an opening one is missing further up"
    ),
    "layer { >": 'expected "}", received >\n  in: net.prototxt:1:9',
    "layer { name: conv1 }": (
        "name: expected a string in quotes, received conv1\n"
        "  in: net.prototxt:1:15\n"
        "  try: put it in quotes"
    ),
    'layer { name: "conv1 }': (
        'expected a value for name, received a string without its closing "\n'
        "  in: net.prototxt:1:15"
    ),
    'layer {\n\tname "a" }': (
        'expected ":" or "{" after name, received "a"\n  in: net.prototxt:2:7'
    ),
    "layer { type: CONVOLUTION }": (
        "type: expected a string in quotes, received CONVOLUTION\n"
        "  in: net.prototxt:1:15\n"
        '  try: a "layer" names its type in quotes, as "Convolution"'
    ),
    'layers { type: "Convolution" }': (
        'type: expected a LayerType, received "Convolution"\n'
        "  in: net.prototxt:1:16\n"
        '  try: old "layers" take a bare type, as CONVOLUTION; "layer" takes it in quotes'
    ),
    'layer { include { phase: "TEST" } }': (
        'include[0].phase: expected one of TRAIN, TEST, received "TEST"\n'
        "  in: net.prototxt:1:26\n"
        "  try: leave out the quotes"
    ),
    "layer { convolution_param { num_output: 2 num_output: 3 } }": (
        "convolution_param.num_output is given twice\n"
        "  in: net.prototxt:1:43\n"
        "  why: Caffe takes it once, and refuses the whole file otherwise\n"
        "  try: keep the one that is meant"
    ),
    "layer { pooling_param { } pooling_param { } }": (
        "pooling_param is given twice\n"
        "  in: net.prototxt:1:27\n"
        "  why: Caffe takes it once, and refuses the whole file otherwise\n"
        "  try: keep the one that is meant"
    ),
    "layer { pooling_param: 3 }": (
        "pooling_param: expected a message in braces, received 3\n  in: net.prototxt:1:24"
    ),
    "layer { name { } }": (
        "name: expected a string in quotes, received a message in braces\n  in: net.prototxt:1:14"
    ),
    'layer { name: ["a"] }': (
        "name: expected a string in quotes, received a list\n  in: net.prototxt:1:15"
    ),
    "input_dim: 3x3": "expected a number, received 3x3\n  in: net.prototxt:1:12",
    "input_dim: batch": (
        "input_dim: expected an integer between -2147483648 and 2147483647, received batch\n"
        "  in: net.prototxt:1:12\n"
        "  try: write a number; if this is a template, fill in its placeholders first"
    ),
    "input_dim: ${BATCH}": (
        "expected a value for input_dim, received $\n"
        "  in: net.prototxt:1:12\n"
        "  try: this looks like a template: fill in its placeholders first"
    ),
    "layer { name: “a” }": (
        "expected a value for name, received '“' (U+201C LEFT DOUBLE QUOTATION MARK)\n"
        "  in: net.prototxt:1:15"
    ),
    "layer { loss_weight: [1 2] }": 'expected "," or "]", received 2\n  in: net.prototxt:1:25',
    "layer { loss_weight: [1,": (
        "expected an item of a list, received the end of the file\n  in: net.prototxt:1:25"
    ),
    "[caffe.x]: 3": "expected a field name, received [\n  in: net.prototxt:1:1",
}


@pytest.mark.parametrize("text", _REFUSALS)
def test_a_refusal_has_an_address_and_a_way_out(text: str) -> None:
    assert refusal(text) == _REFUSALS[text]


# Against protobuf's own reader


def _value(field: Any) -> st.SearchStrategy[Any]:
    integers = {
        field.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
        field.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1),
        field.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
        field.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
    }
    if field.cpp_type in integers:
        return integers[field.cpp_type]
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    if field.cpp_type == field.CPPTYPE_BOOL:
        return st.booleans()
    if field.type == field.TYPE_BYTES:
        return st.binary(max_size=9)
    if field.cpp_type == field.CPPTYPE_STRING:
        return st.text(max_size=9)
    return st.floats(width=32, allow_nan=False)


@st.composite
def messages(draw: st.DrawFn, kind: Any, depth: int = 3) -> Any:
    message = kind()
    known = [f for f in kind.DESCRIPTOR.fields if f.name not in BOOKKEEPING]
    known = [f for f in known if depth or f.message_type is None]
    for field in draw(st.lists(st.sampled_from(known), max_size=5, unique_by=id)) if known else ():
        repeated = field.default_value == []
        times = draw(st.integers(1, 3)) if repeated else 1
        for _ in range(times):
            if field.message_type is not None:
                child = draw(messages(field.message_type._concrete_class, depth - 1))
                target = getattr(message, field.name)
                (target.add() if repeated else target).CopyFrom(child)
            elif repeated:
                getattr(message, field.name).append(draw(_value(field)))
            else:
                setattr(message, field.name, draw(_value(field)))
    return message


@settings(deadline=None, max_examples=150)
@given(
    message=messages(caffe_pb2.LayerParameter),
    options=st.fixed_dictionaries(
        {
            "as_one_line": st.booleans(),
            "as_utf8": st.booleans(),
            "pointy_brackets": st.booleans(),
            "use_short_repeated_primitives": st.booleans(),
            "use_index_order": st.booleans(),
        }
    ),
)
def test_what_protobuf_writes_is_read_back(message: Any, options: dict[str, bool]) -> None:
    read = caffe_pb2.LayerParameter()
    parse_text(text_format.MessageToString(message, **options), read, "layer")
    for field in BOOKKEEPING.intersection(read.DESCRIPTOR.fields_by_name):
        read.ClearField(field)
    assert read == message


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="layer{}<>[]:;,\"'\\#\n 01.ef-xname$\u201c", max_size=60))
def test_no_text_brings_anything_but_a_net_or_an_error(text: str) -> None:
    try:
        parse_prototxt(text, "net.prototxt")
    except PrototxtError as error:
        assert error.where.startswith("net.prototxt")
