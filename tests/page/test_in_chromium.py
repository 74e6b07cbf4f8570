"""The page in a real browser: clicked, dragged, typed at, and asked what it has shown."""

import re

import pytest

from caffe2keras.diagram.caffe import chart_of_net
from caffe2keras.graph.build import build_net
from caffe2keras.page import Section, write_page
from caffe2keras.page.facts import Compared
from caffe2keras.read.prototxt import parse_prototxt
from caffe2keras.upgrade import upgrade
from caffe2keras.verify.compare import Difference
from caffe2keras.verify.report import BlobResult

BLOCKS = 100  # of five layers each


def residual_net():
    """A net of 500 layers and some: convolutions, ReLUs in place, and shortcuts past them."""
    text = 'name: "long" input: "b0" input_shape { dim: 2 dim: 3 dim: 11 dim: 8 }\n'
    conv = "convolution_param { num_output: 3 kernel_h: 3 pad_h: 1 kernel_w: 1 }"
    for n in range(BLOCKS):
        text += (
            f'layer {{ name: "c{n}" type: "Convolution" bottom: "b{n}" top: "c{n}" {conv} }}\n'
            f'layer {{ name: "r{n}" type: "ReLU" bottom: "c{n}" top: "c{n}" }}\n'
            f'layer {{ name: "d{n}" type: "Convolution" bottom: "c{n}" top: "d{n}" {conv} }}\n'
            f'layer {{ name: "s{n}" type: "Eltwise" bottom: "b{n}" bottom: "d{n}" '
            f'top: "b{n + 1}" }}\n'
            f'layer {{ name: "t{n}" type: "TanH" bottom: "b{n + 1}" top: "b{n + 1}" }}\n'
        )
    return build_net(upgrade(parse_prototxt(text, "long.prototxt")), source="long.prototxt")


@pytest.fixture
def long_section():
    chart = chart_of_net(residual_net())
    wrong = "c77"
    compared = []
    for blob in (blob for node in chart.nodes[1:] for blob in node.blobs):
        found = Difference(blob != wrong, 0.5, 1e-6 if blob != wrong else 0.2, (0, 1), 1.0, 1.5)
        result = BlobResult(blob, blob, (2, 3, 11, 8), found, (2, 3, 11, 8))
        compared.append(Compared(result, 2e-7, 1e-4))
    return Section("long", "different", "1 differs", chart=chart, compared=tuple(compared))


@pytest.fixture
def page(tmp_path, browser):
    def opened(*sections):
        write_page(tmp_path / "page.html", sections)
        browser.open(tmp_path / "page.html")
        return browser

    return opened


def view(browser):
    return [
        float(n)
        for n in browser.run("document.querySelector('.net').getAttribute('viewBox')").split()
    ]


def shown_details(browser):
    return browser.run(
        "Array.from(document.querySelectorAll('aside:not([hidden]) > div:not([hidden]) h3'))"
        ".map(one => one.textContent)"
    )


def is_within_the_stage(browser, selector):
    code = (
        f"(() => {{ const a = document.querySelector({selector!r}).getBoundingClientRect();"
        "const b = document.querySelector('.stage').getBoundingClientRect();"
        "return a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 "
        "&& a.bottom <= b.bottom + 1; })()"
    )
    return browser.run(code)


def test_a_small_net_is_shown_whole_and_asks_for_nothing(page, section):
    browser = page(section)
    assert browser.problems == []
    assert len(browser.requests) == 1 and browser.requests[0].startswith("file:")
    assert all(is_within_the_stage(browser, f'g.node[data-node="{n}"]') for n in range(5))
    assert browser.run("getComputedStyle(document.querySelector('.overview')).display") == "none"


def test_a_click_on_a_layer_tells_of_it(page, section):
    browser = page(section)
    browser.click('g.node[data-node="3"]')
    assert shown_details(browser) == ["fc"]
    assert "expected" in browser.run("document.querySelector('aside').innerText")
    browser.press("Escape")
    assert shown_details(browser) == []
    assert browser.problems == []


def test_the_keyboard_does_what_the_mouse_does(page, section):
    browser = page(section)
    browser.run("document.querySelector('.net').focus()")
    browser.press("n")
    assert shown_details(browser) == ["data"]
    browser.press("n")
    assert shown_details(browser) == ["conv"]
    browser.press("p")
    browser.press("p")
    assert shown_details(browser) == ["prob"]
    browser.press("d")
    assert shown_details(browser) == ["fc"]
    before = view(browser)
    browser.press("+")
    assert view(browser)[2] < before[2]
    browser.press("ArrowDown")
    browser.press("0")
    assert view(browser)[2] > before[2] * 0.5
    assert browser.problems == []


def test_tab_reaches_the_graph_and_its_buttons(page, section):
    browser = page(section)
    reached = set()
    for _ in range(6):
        browser.call(
            "Input.dispatchKeyEvent", type="rawKeyDown", key="Tab", windowsVirtualKeyCode=9
        )
        reached.add(
            browser.run(
                "document.activeElement.dataset.do || document.activeElement.getAttribute('class')"
            )
        )
    assert {"in", "out", "all", "next", "net"} <= reached


def test_dragging_moves_and_the_wheel_enlarges_once_the_graph_is_clicked(page, section):
    browser = page(section)
    browser.click('button[data-do="in"]')
    browser.click('button[data-do="in"]')
    before = view(browser)
    x, y = browser.middle_of(".net")
    browser.drag(x - 300, y, 40, -60)
    after = view(browser)
    assert after[1] > before[1] and after[2:] == before[2:]
    assert shown_details(browser) == []
    browser.mouse("mouseWheel", x, y, deltaX=0, deltaY=-240)
    browser.settle()
    browser.settle()
    assert view(browser)[2] < after[2]


def test_a_mark_and_a_row_lead_to_their_layer(page, section):
    browser = page(section)
    browser.click(".mark.different path")
    assert shown_details(browser) == ["fc"]
    browser.click("summary")
    browser.click('td button[data-node="2"]')
    assert shown_details(browser) == ["pool"]
    assert is_within_the_stage(browser, 'g.node[data-node="2"]')
    assert browser.problems == []


def test_a_long_net_begins_readable_with_an_overview_beside_it(page, long_section):
    browser = page(long_section)
    assert browser.problems == []
    assert len(long_section.chart.nodes) > 300
    height = browser.run("document.querySelector('.node .name').getBoundingClientRect().height")
    assert height > 9  # pixels
    assert is_within_the_stage(browser, 'g.node[data-node="0"]')
    assert browser.run("getComputedStyle(document.querySelector('.overview')).display") != "none"
    browser.click('button[data-do="all"]')
    assert is_within_the_stage(browser, "g.node:last-of-type")
    assert is_within_the_stage(browser, 'g.node[data-node="0"]')


def test_the_next_difference_is_brought_into_sight(page, long_section):
    browser = page(long_section)
    browser.click('button[data-do="next"]')
    assert shown_details(browser) == ["c77"]
    assert is_within_the_stage(browser, "g.node.chosen")
    before = view(browser)
    x, y = browser.middle_of(".overview")
    browser.drag(x, y, 0, 0)
    assert view(browser) != before
    assert browser.problems == []


def test_light_and_dark_are_different_and_both_can_be_read(page, section):
    browser = page(section)
    pairs = []
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.call("Emulation.setEmulatedMedia", features=features)
        colours = browser.run(
            "(() => { const s = getComputedStyle(document.body);"
            "const t = getComputedStyle(document.querySelector('.node .name'));"
            "return [s.backgroundColor, s.color, t.fill]; })()"
        )
        ground, text, name = (sum(map(int, re.findall(r"\d+", c)[:3])) / 3 for c in colours)
        assert abs(ground - text) > 120 and abs(ground - name) > 120
        pairs.append(ground)
    assert pairs[0] - pairs[1] > 150


def test_hostile_names_do_nothing(page, section):
    from dataclasses import replace

    names = ["<script>window.hit = 1</script>", '" onclick="window.hit = 1', "\u202e\x00]]>"]
    nodes = tuple(
        replace(node, steps=(replace(node.steps[0], name=names[n % 3]), *node.steps[1:]))
        for n, node in enumerate(section.chart.nodes)
    )
    chart = replace(section.chart, nodes=nodes, title=names[0])
    browser = page(replace(section, chart=chart, title=names[0], verdict=names[1]))
    browser.click('g.node[data-node="1"]')
    assert browser.run("window.hit") is None
    assert browser.problems == []


def test_two_nets_on_a_page_do_not_disturb_each_other(page, section, long_section):
    browser = page(section, long_section)
    browser.run("document.querySelectorAll('.net')[1].focus()")
    browser.press("d")
    assert shown_details(browser) == ["c77"]
    browser.click('nav a[href="#net1"]')
    assert browser.run("location.hash") == "#net1"
    assert browser.problems == []
