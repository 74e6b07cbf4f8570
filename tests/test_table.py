import pytest

from caffe2keras.table import render_table


def test_columns_are_as_wide_as_their_widest_cell():
    text = render_table(("name", "count"), [("conv1", "7"), ("a", "1,024")], right=(1,))
    assert text.splitlines() == [
        "name   count",
        "-----  -----",
        "conv1      7",
        "a      1,024",
    ]


def test_no_line_ends_in_blanks():
    text = render_table(("a", "b"), [("x", ""), ("yy", "z")])
    assert all(line == line.rstrip() for line in text.splitlines())


def test_the_widest_column_is_cut_in_its_middle():
    text = render_table(("name", "n"), [("inception_4b/5x5_reduce", "12")], width=18)
    assert text.splitlines()[2] == "incepti…reduce  12"


@pytest.mark.parametrize("width", [1, 20, 40])
def test_a_column_is_never_cut_to_nothing(width):
    text = render_table(("a" * 30, "b" * 30), [("c" * 30, "d" * 30)], width=width)
    assert all(len(cell) >= 8 for cell in text.splitlines()[2].split("  "))


def test_a_table_without_rows_has_its_header():
    assert render_table(("a", "b"), []).splitlines() == ["a  b", "-  -"]
