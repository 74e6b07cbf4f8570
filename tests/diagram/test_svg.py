import unicodedata
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from caffe2keras.diagram.chart import Chart, Edge, Node, Step
from caffe2keras.diagram.kinds import KINDS
from caffe2keras.diagram.legible import cells, shape_text, shortened, visible
from caffe2keras.diagram.picture import picture_of
from caffe2keras.diagram.svg import COLOURS, svg_file

SVG = "{http://www.w3.org/2000/svg}"
ANYTHING = st.text(st.characters(), max_size=60)  # surrogates and control characters too


def chain(*names, kind="convolution"):
    nodes = tuple(Node((Step(name, "Convolution"),), kind, (name,)) for name in names)
    edges = [Edge(place, name, (2, 7, 5, 3), place + 1) for place, name in enumerate(names)]
    last = Edge(len(names) - 1, names[-1], None, None)
    return Chart("net", nodes, (*edges[:-1], last))


@given(ANYTHING)
def test_any_name_gives_a_file_that_parses_and_says_it(name):
    text = svg_file(picture_of(chain("data", name)))
    root = ElementTree.fromstring(text.encode("utf-8"))
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert any((title or "").startswith(visible(name) + ": Convolution") for title in titles)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "style", "rect", "path", "text", "g"}


@given(ANYTHING)
def test_nothing_in_it_is_invisible(name):
    text = svg_file(picture_of(chain("data", name)))
    assert all(one == "\n" or unicodedata.category(one)[0] != "C" for one in text)


def test_what_cannot_be_seen_is_written_out():
    assert visible("a\u202eb\x07\ud800") == r"a\u202eb\x07\ud800"
    assert visible("conv1/3x3 é 中") == "conv1/3x3 é 中"


@given(ANYTHING, st.integers(3, 40))
def test_a_shortened_name_fits(name, most):
    assert cells(shortened(name, most)) <= most


def test_a_shortened_name_keeps_both_ends():
    assert shortened("inception_resnet_v2_a10/branch_5x5_reduce", 21) == "inception_…5x5_reduce"
    assert shortened("conv1", 21) == "conv1"


def test_shapes_are_written_as_caffe_logs_them():
    assert shape_text((2, 3, 11, 8)) == "2x3x11x8"
    assert shape_text(()) == "scalar"
    assert shape_text(None) == "?"


def test_every_kind_has_its_colours():
    assert set(COLOURS) == set(KINDS)


def test_the_kinds_that_occur_are_explained():
    text = svg_file(picture_of(chain("a", "b", kind="pooling")))
    assert text.count(">pooling<") == 1
    assert ">recurrent<" not in text


def test_the_same_chart_gives_the_same_bytes():
    assert svg_file(picture_of(chain("a", "b"))) == svg_file(picture_of(chain("a", "b")))


def test_a_line_too_long_is_told_by_the_name_it_comes_from():
    names = [f"layer{place}" for place in range(300)]
    chart = chain(*names)
    ports = tuple(Edge(0, f"top{port}", (3,), 299 - port) for port in range(1, 120))
    nodes = (
        Node(chart.nodes[0].steps, "data", tuple(f"top{p}" for p in range(120))),
        *chart.nodes[1:],
    )
    text = svg_file(picture_of(Chart("net", nodes, (*chart.edges, *ports))))
    assert text.count(">layer0</text>") > 1
