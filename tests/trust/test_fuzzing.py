"""The readers, fed what nobody wrote: each file is read, or is one of our errors."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from readers import READERS, survives
from seeds import REPOSITORY, kept_of, seeds_of

CRASHERS = REPOSITORY / "tests" / "fixtures" / "fuzz"

quick = settings(
    max_examples=25,
    deadline=10_000,  # milliseconds
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@cache
def seeds(reader: str) -> tuple[bytes, ...]:
    with tempfile.TemporaryDirectory() as scratch:
        return tuple(seeds_of(reader, Path(scratch)))


@pytest.mark.parametrize("reader", READERS)
def test_what_the_fuzzer_begins_with_is_read(tmp_path: Path, reader: str) -> None:
    answers = [survives(READERS[reader], data, tmp_path) for data in seeds(reader)]
    assert "" in answers


@pytest.mark.parametrize("crasher", sorted(CRASHERS.iterdir()), ids=lambda path: path.name)
def test_what_once_failed_fails_no_more(tmp_path: Path, crasher: Path) -> None:
    reader = max((name for name in READERS if crasher.name.startswith(name)), key=len)
    survives(READERS[reader], crasher.read_bytes(), tmp_path)


@pytest.mark.parametrize("reader", READERS)
def test_what_the_fuzzer_has_learnt_is_read_or_refused(tmp_path: Path, reader: str) -> None:
    for data in kept_of(reader):
        survives(READERS[reader], data, tmp_path)


@pytest.mark.parametrize("reader", READERS)
def test_files_cut_off_anywhere_are_read_or_refused(tmp_path: Path, reader: str) -> None:
    data = min(seeds(reader), key=len)
    for end in range(0, len(data), max(1, len(data) // 60)):
        survives(READERS[reader], data[:end], tmp_path)


@pytest.mark.parametrize("reader", READERS)
def test_files_with_changed_bytes_are_read_or_refused(tmp_path: Path, reader: str) -> None:
    dice = random.Random(reader)
    for _ in range(60):
        survives(READERS[reader], _changed(dice, dice.choice(seeds(reader))), tmp_path)


def _changed(dice: random.Random, data: bytes) -> bytes:
    """Some bytes changed, taken away, doubled, or set to what lengths and counts choke on."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(changed) + 1)
        span = dice.randint(0, 8)
        some = dice.choice([b"", b"\xff" * 8, b"\0" * 8, dice.randbytes(span), changed[at:][:64]])
        changed[at : at + span] = some
    return bytes(changed)


Varint = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**31 - 1, 2**31, 2**63, 2**64 - 1])


def varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def block(number: int, body: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(body)) + body


@st.composite
def message(draw: Callable[..., Any], depth: int = 4) -> bytes:
    """A well-formed message of the fields that nets, layers and blobs have, of any content."""
    parts = []
    for _ in range(draw(st.integers(0, 5))):
        number = draw(st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 100]))
        kind = draw(st.sampled_from(["number", "bytes", "message", "fixed32", "fixed64"]))
        if kind == "number":
            parts.append(varint(number << 3) + varint(draw(Varint)))
        elif kind == "fixed32":
            parts.append(varint(number << 3 | 5) + draw(st.binary(min_size=4, max_size=4)))
        elif kind == "fixed64":
            parts.append(varint(number << 3 | 1) + draw(st.binary(min_size=8, max_size=8)))
        elif kind == "bytes" or not depth:
            parts.append(block(number, draw(st.binary(max_size=40))))
        else:
            parts.append(block(number, draw(message(depth - 1))))
    return b"".join(parts)


@pytest.mark.parametrize("reader", ["caffemodel", "binaryproto", "solverstate", "prototxt"])
@given(data=message())
@quick
def test_any_message_is_read_or_refused(tmp_path: Path, reader: str, data: bytes) -> None:
    survives(READERS[reader], data, tmp_path)


WORDS = [
    *("layer", "layers", "name", "type", "top", "bottom", "input", "input_dim", "input_param"),
    *("shape", "dim", "include", "phase", "TEST", "convolution_param", "num_output", "kernel_size"),
    *("kernel_h", "stride", "pad", "dilation", "group", "bias_term", "pooling_param", "pool"),
    *("MAX", "AVE", "global_pooling", "inner_product_param", "axis", "eltwise_param", "coeff"),
    *("slice_param", "slice_point", "reshape_param", "lrn_param", "local_size", "alpha", "beta"),
    *("blobs", "data", "num", "recurrent_param", "weight_filler", "transform_param", "base_lr"),
    *("lr_policy", "stepvalue", "gamma", "max_iter"),
]
TYPES = [
    *("Input", "Convolution", "Deconvolution", "Pooling", "InnerProduct", "ReLU", "Softmax"),
    *("Concat", "Slice", "Eltwise", "Reshape", "Flatten", "LRN", "BatchNorm", "Scale", "Crop"),
    *("LSTM", "DummyData", "Split", "Tile", "Reduction", "Embed", "SPP", "Data", "Python"),
]

scalars = (
    st.integers(-(2**33), 2**65).map(str)
    | st.floats().map(str)
    | st.sampled_from(WORDS)
    | st.sampled_from([f'"{kind}"' for kind in TYPES])
    | st.sampled_from(['"a"', '"b"', '"c"', "true", "nan", "-inf", "0x7f", "1e999", "'\\377'"])
    | st.text(max_size=5).map(lambda text: f'"{text}"')
)


def statements(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    names = st.sampled_from(WORDS) | st.from_regex(r"[a-z_]{1,6}", fullmatch=True)
    value = scalars.map(lambda text: f": {text}") | inner.map(lambda text: f" {{ {text} }}")
    listed = st.lists(scalars, max_size=3).map(lambda some: f": [{', '.join(some)}]")
    return st.lists(
        st.builds(lambda name, rest: f"{name}{rest}", names, value | listed), max_size=6
    ).map("\n".join)


texts = st.recursive(scalars.map(lambda text: f"name: {text}"), statements, max_leaves=25)


@pytest.mark.parametrize("reader", ["prototxt", "net", "solver"])
@given(text=texts)
@quick
def test_any_text_is_read_or_refused(tmp_path: Path, reader: str, text: str) -> None:
    survives(READERS[reader], text.encode("utf-8", "surrogatepass"), tmp_path)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["nets", "defaults", "name", "prototxt"]), inner)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("reader", ["manifest-json", "manifest-yaml", "record"])
@given(value=plain)
@quick
def test_any_value_is_a_manifest_or_refused(tmp_path: Path, reader: str, value: Any) -> None:
    import json

    survives(READERS[reader], json.dumps(value).encode(), tmp_path)


headers = st.fixed_dictionaries(
    {
        "descr": st.sampled_from(["<f4", "<f8", "|O", "|V8", "<M8[s]", "|S0", "<f2", ">i8", "x"]),
        "fortran_order": st.booleans(),
        "shape": st.lists(st.integers(-2, 2**63), max_size=4).map(tuple),
    }
)


@pytest.mark.parametrize("reader", ["npy", "npz"])
@given(header=headers, body=st.binary(max_size=64))
@quick
def test_any_array_is_read_or_refused(
    tmp_path: Path, reader: str, header: dict[str, Any], body: bytes
) -> None:
    text = repr(header).encode()
    data = b"\x93NUMPY\x01\0" + len(text).to_bytes(2, "little") + text + body
    survives(READERS[reader], data, tmp_path)
