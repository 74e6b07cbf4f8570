"""Names: valid for every Keras, unique, and close to Caffe's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe2keras.layer_map.names import NameTable, keras_name


@pytest.mark.parametrize(
    ("caffe", "keras"),
    [
        ("inception_3a/5x5_reduce", "inception_3a_5x5_reduce"),
        ("res2a.branch", "res2a_branch"),
        ("conv 1: a|b-c", "conv_1__a_b-c"),
        ("../../etc", "etc"),
        ("_-X-ray", "X-ray"),
        ("tab\tnul\x00", "tab_nul_"),
        ("卷积1", "1"),
        ("", "relu"),
        ("   ", "relu"),
    ],
)
def test_forbidden_characters_are_replaced(caffe: str, keras: str) -> None:
    assert keras_name(caffe, "relu") == keras


def test_a_very_long_name_is_cut() -> None:
    assert keras_name("x" * 10_000, "relu") == "x" * 200


@given(st.lists(st.text(max_size=5), max_size=40))
def test_names_stay_unique_whatever_they_were(names: list[str]) -> None:
    table = NameTable()
    given_out = [table.unique(keras_name(name, "layer")) for name in names]
    assert len({name.casefold() for name in given_out}) == len(names)
    assert not any("/" in name or "." in name or not name for name in given_out)


def test_a_second_one_of_the_same_name_is_counted() -> None:
    table = NameTable()
    assert [table.unique(name) for name in ("a", "a", "a_2", "A", "a")] == [
        "a",
        "a_2",
        "a_2_2",
        "A_3",
        "a_4",
    ]
