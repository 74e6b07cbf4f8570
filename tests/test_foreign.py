"""Foreign fields are read by name and type, and what was read is remembered."""

from __future__ import annotations

import math

import numpy as np
import pytest

from caffe2keras.errors import PrototxtError
from caffe2keras.params import Params
from caffe2keras.read.prototxt import parse_prototxt

LAYER = """layer {
  name: "a" type: "Fork"
  fork_param {
    gain: 0.1 n: 0x10 m: -3 s: "one " 'word' mode: SUM ok: true off: 0  # a comment
    xs: 1 xs: [2.5, 3f] none: [] inner < z: -inf deeper { q: 7 } >
    many { q: 1 } many { q: 2 } more: [ { q: 3 }, { q: 4 } ]
  }
  fork_param_2 { a: 1 }
  convolution_param { num_output: 3 fork_gain: 4 }
  loose: 5
}"""


@pytest.fixture
def params():
    params = Params(parse_prototxt(LAYER, "net.prototxt").layer[0])
    params.honoured("name", "type", "convolution_param.num_output")
    return params


@pytest.fixture
def fork(params):
    return params.foreign.message("fork_param")


def unread(params):
    return {field.path: field.value for field in params.unread()}


def test_fields_are_read_as_their_type(fork):
    assert fork.number("gain") == np.float32(0.1)
    assert (fork.integer("n"), fork.integer("m")) == (16, -3)
    assert fork.string("s") == "one word"
    assert fork.word("mode") == "SUM"
    assert (fork.boolean("ok"), fork.boolean("off", True)) == (True, False)
    assert fork.number("m") == -3.0
    assert fork.message("inner").number("z") == -math.inf


def test_repeated_fields_may_be_written_one_by_one_or_as_a_list(fork):
    assert fork.numbers("xs") == (1.0, 2.5, 3.0)
    assert fork.numbers("none") == ()
    assert [one.integer("q") for one in fork.messages("many")] == [1, 2]
    assert [one.integers("q") for one in fork.messages("more")] == [(3,), (4,)]


def test_every_type_has_its_plural():
    text = 'layer { f { i: [1, 2] b: [true, 0] s: ["a", "b"] w: [ONE, TWO] } }'
    fork = Params(parse_prototxt(text, "").layer[0]).foreign.message("f")
    assert fork.integers("i") == (1, 2)
    assert fork.booleans("b") == (True, False)
    assert fork.strings("s") == ("a", "b")
    assert fork.words("w") == ("ONE", "TWO")


def test_what_the_author_did_not_set_has_its_default(fork):
    assert not fork.has("absent")
    assert fork.has("gain")
    assert (fork.integer("absent", 7), fork.number("absent", 0.5)) == (7, 0.5)
    assert (fork.string("absent", "x"), fork.word("absent", "MAX")) == ("x", "MAX")
    assert fork.boolean("absent", True)
    assert fork.message("absent").message("below").integer("n", 3) == 3
    assert fork.messages("absent") == fork.integers("absent") == ()


def test_a_number_too_large_for_a_float_is_an_infinity():
    params = Params(parse_prototxt("layer { huge: 1e39 }", "").layer[0])
    assert params.foreign.number("huge") == math.inf


def test_a_foreign_field_may_stand_in_a_known_message(params):
    assert params.convolution_param.foreign.integer("fork_gain") == 4
    assert params.foreign.integer("loose") == 5
    assert list(unread(params)) == ["fork_param", "fork_param_2"]


def test_what_nobody_asked_for_is_told_whole(params):
    params.foreign.integer("loose")
    left = unread(params)
    assert list(left) == ["fork_param", "fork_param_2", "convolution_param.fork_gain"]
    assert left["fork_param_2"] == "{ a: 1 }"


def test_of_a_message_that_was_opened_what_was_not_read_is_told(params, fork):
    for name in ("gain", "xs"):
        fork.numbers(name)
    fork.honoured("n", "m", "s", "mode", "ok", "off", "many")
    fork.message("inner").number("z")
    fork.messages("more")[0].integer("q")
    left = unread(params)
    assert left["fork_param.inner.deeper"] == "{ q: 7 }"
    assert left["fork_param.more[1].q"] == "4"
    assert "fork_param.gain" not in left


def test_the_place_of_the_message_is_told_with_what_is_left_of_it(params, fork):
    fork.number("gain")
    places = {(field.line, field.column) for field in params.unread_foreign()}
    assert (3, 3) in places


def test_a_fresh_view_has_read_nothing(params, fork):
    fork.number("gain")
    assert "fork_param" in {field.path for field in params.fresh().unread()}


def test_an_unknown_member_of_an_enum_stays_unread_though_its_field_was_asked_for():
    text = "layer { pooling_param { pool: MEDIAN } }"
    params = Params(parse_prototxt(text, "").layer[0])
    assert params.pooling_param.pool == "MAX"
    assert unread(params) == {"pooling_param.pool": "MEDIAN"}


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda f: f.integer("gain"), "fork_param.gain: expected an integer, received 0.1"),
        (lambda f: f.integer("s"), "fork_param.s: expected an integer, received \"one \" 'word'"),
        (lambda f: f.number("mode"), "fork_param.mode: expected a number, received SUM"),
        (lambda f: f.boolean("n"), "fork_param.n: expected true or false, received 0x10"),
        (lambda f: f.string("mode"), "fork_param.mode: expected a string in quotes, received SUM"),
        (lambda f: f.word("gain"), "fork_param.gain: expected a bare word, received 0.1"),
        (lambda f: f.number("inner"), "fork_param.inner: expected a number, received < z: -inf"),
        (lambda f: f.message("n"), "fork_param.n: expected a message in braces, received 0x10"),
        (lambda f: f.number("xs"), "fork_param.xs is given 3 times"),
        (lambda f: f.message("many"), "fork_param.many is given 2 times"),
    ],
)
def test_a_value_of_another_type_is_an_error(read, message, fork):
    with pytest.raises(PrototxtError) as caught:
        read(fork)
    assert message in caught.value.what


def test_a_field_of_the_schema_is_no_foreign_one(params):
    with pytest.raises(AttributeError, match=r"read it as layer\.params\.convolution_param"):
        params.foreign.message("convolution_param")
    with pytest.raises(AttributeError, match=r"layer\.params\.convolution_param\.num_output"):
        params.convolution_param.foreign.integer("num_output")


def test_what_is_no_value_is_read_by_nobody():
    layer = parse_prototxt('layer { name: "a" }', "").layer[0]
    layer.unknown_field.add(path="old", value="num_output: 3 }")
    params = Params(layer)
    with pytest.raises(PrototxtError, match="old: expected a number"):
        params.foreign.number("old")
    assert not Params(layer).foreign.has("new")
    assert [field.path for field in Params(layer).unread_foreign()] == ["old"]
