import json
import math
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caffe2keras.batch.result import Failure, NetResult
from caffe2keras.convert import convert
from caffe2keras.diagram.chart import Chart, Edge, Node, Step
from caffe2keras.diagram.legible import visible
from caffe2keras.errors import EmitError, UnsupportedError
from caffe2keras.graph.net import Note
from caffe2keras.page import (
    Section,
    render_page,
    section_of_conversion,
    section_of_error,
    section_of_result,
    section_of_verification,
    write_page,
)
from caffe2keras.page.charts import error_chart
from caffe2keras.page.facts import Compared
from caffe2keras.verify.compare import Difference
from caffe2keras.verify.evidence import Histogram
from caffe2keras.verify.report import BlobResult

NASTY = [
    "<script>alert(1)</script>",
    '" onload="alert(1)',
    "</title></svg></style><img src=x>",
    "'><b>",
    "\u202egnp.exe",
    "a\x00b\x1b[31m\ud800\u2028",
    "-->]]>",
]


class Outline(HTMLParser):
    """The tags and attributes of a page, and its texts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.texts = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data):
        self.texts.append(data)


def named(name):
    """A section in which everything that has a name has this one."""
    node = Node((Step(name, name, name),), "convolution", (name,))
    chart = Chart(name, (node, node), (Edge(0, name, (2, 3), 1), Edge(1, name, None, None)))
    result = BlobResult(name, name, (2, 3), Difference(False, 0.1, 0.2, (0, 1), 1.0, 2.0), (2, 3))
    return Section(
        title=name,
        status="different",
        verdict=name,
        facts=((name, name),),
        chart=chart,
        compared=(Compared(result, 1e-7, 1e-4),),
        without_floor=name,
        not_compared=((name, name),),
        notes=(Note(name, name, name),),
        histogram=Histogram(name, (0.0, 1.0), (3,), (2,), (-1.0, 1.0), (3,), 1),
    )


PLAIN = Outline(render_page([named("plain"), named("plain")]))


def assert_nothing_of_it_is_markup(name):
    page = render_page([named(name), named(name)])
    outline = Outline(page)
    tags = [tag for tag in outline.tags if tag != "br"]  # a line break remains one
    assert tags == PLAIN.tags
    assert [a[:2] for a in outline.attributes] == [a[:2] for a in PLAIN.attributes]
    page.encode("utf-8")


@pytest.mark.parametrize("name", NASTY)
def test_a_hostile_name_stays_text(name):
    assert_nothing_of_it_is_markup(name)
    assert visible(name) in "".join(Outline(render_page([named(name)])).texts)


@given(st.text(st.characters(), min_size=1, max_size=40))
@settings(max_examples=40)
def test_any_name_stays_text(name):
    assert_nothing_of_it_is_markup(name)


def test_nothing_is_loaded_from_elsewhere(section):
    page = render_page([section])
    outline = Outline(page)
    assert not {"link", "img", "iframe", "object", "embed", "base", "form"} & set(outline.tags)
    links = [value for _, name, value in outline.attributes if name in ("src", "href", "action")]
    assert all(link.startswith("#") for link in links)
    assert "url(" not in page and "@import" not in page and "http://" not in page


def test_the_policy_forbids_all_but_the_pages_own_script_and_style(section):
    page = render_page([section])
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    # attributes with style or script would be blocked, and be missed
    assert not [a for a in Outline(page).attributes if a[1] == "style" or a[1].startswith("on")]


def test_the_same_results_give_the_same_bytes(section):
    assert render_page([section]) == render_page([section])


def test_a_verification_shows_what_differs_and_why(section):
    text = " ".join(Outline(render_page([section])).texts)
    assert section.status == "different"
    assert 'of 4 blobs differ, the first in layer "fc"' in text
    for words in ("sha256", "openvino", "seed 3", "something to know", "it was folded"):
        assert words in text
    assert "what float32 alone makes" in text
    assert "no noise floor" not in text


def test_layers_are_coloured_by_what_verify_found(section):
    page = render_page([section])
    states = dict(re.findall(r'class="node \w+" data-node="(\d)" data-state="(\w+)"', page))
    names = [node.steps[0].name for node in section.chart.nodes]
    found = {name: states[str(place)] for place, name in enumerate(names)}
    assert found == {
        "data": "unchecked",
        "conv": "ok",
        "pool": "ok",
        "fc": "different",
        "prob": "ok",
    }


def test_without_the_oracle_the_page_says_why_there_is_no_floor(report_of):
    section = section_of_verification(report_of(None))
    text = " ".join(Outline(render_page([section])).texts)
    assert "no noise floor" in text and "--oracle" in text
    assert '<path class="floor"' not in render_page([section])


def test_a_report_without_evidence_has_a_page_too(report_of):
    section = section_of_verification(replace(report_of(), evidence=None))
    assert section.histogram is None
    assert "The worst blob" not in render_page([section])


def test_a_conversion_shows_its_notes(lopsided, tmp_path):
    report = convert(lopsided, None, tmp_path / "net.h5")
    section = section_of_conversion(report)
    text = " ".join(Outline(render_page([section])).texts)
    assert section.status == "converted"
    assert "4 arrays are filled" in text
    assert "none: filled" in text


def test_an_error_is_a_section_too():
    error = UnsupportedError(what="no such layer", where="net.prototxt:3", hint="cut it out")
    text = "\n".join(Outline(render_page([section_of_error("bad", error)])).texts)
    assert "no such layer" in text and "net.prototxt:3" in text


def test_many_nets_have_a_table_of_contents(section):
    page = render_page([section, section_of_error("bad", UnsupportedError(what="no"))])
    assert '<a href="#net0">' in page and '<a href="#net1">bad</a>' in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_errors_that_are_zero_infinite_or_of_another_shape_have_their_places():
    def compared(name, error):
        found = None if error is None else Difference(error == 0, 1.0, error, (), 0.0, 0.0)
        return Compared(BlobResult(name, name, (3,), found, (4,)), None, None)

    chart = error_chart([compared("a", 0.0), compared("b", math.inf), compared("c", None)], str)
    assert chart.count("class=") and chart.count("<circle") == 1
    heights = [float(y) for y in re.findall(r'<path d="M[\d.]+ ([\d.-]+)l8 8', chart)]
    assert heights[0] == heights[1] < 50


def test_the_tolerance_of_a_single_layer_counts_its_absolute_share(report_of):
    from caffe2keras.verify.compare import Tolerance

    report = replace(report_of(), tolerance=Tolerance(1e-5, 1e-6))
    bounds = [one.bound for one in section_of_verification(report).compared]
    assert bounds[0] is None  # of a blob without any error the scale is not known
    assert bounds[2] == pytest.approx(1e-5 + 1e-6 / 2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=5)
@given(st.integers(1, 400))
def test_a_chart_has_a_mark_for_each_blob(section, count):
    marks = error_chart([section.compared[0]] * count, lambda place: f' data-at="{place}"')
    assert marks.count("data-at=") == count


def test_a_page_that_cannot_be_written_leaves_nothing(section, tmp_path):
    with pytest.raises(EmitError):
        write_page(tmp_path / "none" / "page.html", [section])
    write_page(tmp_path / "page.html", [section])
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == render_page([section])


def test_a_section_can_be_sent_from_one_process_to_another(section):
    assert pickle.loads(pickle.dumps(section)) == section


def test_a_page_needs_no_keras():
    code = "import sys, caffe2keras.page, caffe2keras.diagram; sys.exit('keras' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_recorded_case_has_a_page(tmp_path):
    cases = sorted((Path(__file__).parents[1] / "fixtures" / "layers").glob("*/net.prototxt"))
    assert cases
    for case in cases:
        weights = case.with_suffix(".caffemodel")
        report = convert(case, weights if weights.exists() else None, tmp_path / "net.h5")
        chart = section_of_conversion(report).chart
        assert all(edge.target is None or edge.source < edge.target for edge in chart.edges), case
        ends = {edge.source for edge in chart.edges} | {edge.target for edge in chart.edges}
        assert set(range(len(chart.nodes))) <= ends, case
        assert all(edge.shape is not None for edge in chart.edges), case


def result_of(model, *proofs, **parts):
    notes = [{"kind": "filled", "subject": "weights", "text": "4 arrays are filled"}]
    return NetResult(
        name="nets/lopsided",
        prototxt="net.prototxt",
        weights=None,
        output=str(model),
        model=str(model),
        conversion={"parameters": 1234, "notes": notes},
        verifications=proofs,
        **parts,
    )


def test_a_batchs_net_is_shown_from_its_json(model, report_of):
    proof = json.loads(json.dumps(report_of().to_json()))
    section = section_of_result(result_of(model, proof))
    alone = section_of_verification(replace(report_of(), evidence=None))
    assert section.title == "nets/lopsided"
    assert section.chart == alone.chart
    assert [one.result.ok for one in section.compared] == [one.result.ok for one in alone.compared]
    assert section.compared[2].result.difference == alone.compared[2].result.difference
    text = " ".join(Outline(render_page([section])).texts)
    assert "a batch does not measure it" in text and "4 arrays are filled" in text


def test_of_two_witnesses_the_one_that_disagrees_is_shown(model, report_of):
    agreeing = report_of(off={"conv": 0.0, "fc": 0.0}).to_json()
    section = section_of_result(result_of(model, agreeing, report_of().to_json()))
    assert section.status == "different"


def test_a_model_that_is_elsewhere_is_shown_without_its_graph(model, report_of, tmp_path):
    proof = {**report_of().to_json(), "model": "s3://bucket/net.h5"}
    section = section_of_result(result_of("s3://bucket/net.h5", proof))
    assert section.chart is None
    assert len(section.compared) == 4
    assert "All 4 blobs in numbers" in render_page([section])


def test_nets_that_were_only_converted_or_failed_are_shown_too(model):
    section = section_of_result(result_of(model))
    assert section.verdict == "converted: 1,234 parameters"
    assert len(section.chart.nodes) == 5
    assert section_of_result(result_of("s3://bucket/net.h5")).chart is None
    failure = Failure.of(UnsupportedError(what="no such layer", hint="cut it out"))
    section = section_of_result(result_of(model, failure=failure, printed="the last words"))
    assert section.status == "failed"
    text = "\n".join(Outline(render_page([section])).texts)
    assert "cut it out" in text and "the last words" in text


def test_numbers_that_json_cannot_say_are_infinite(model, report_of):
    proof = report_of().to_json()
    proof["blobs"][0].update(ok=False, max_abs=None, max_rel=None, expected=None)
    proof["blobs"][1] = {**proof["blobs"][1], "ok": False, "received_shape": [3]}
    section = section_of_result(result_of(model, proof))
    assert section.compared[0].result.difference.max_rel == math.inf
    assert section.compared[1].result.difference is None
    render_page([section])
