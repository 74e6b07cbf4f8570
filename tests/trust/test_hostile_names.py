"""Names that are meant for something else than the reader's eye."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import h5py
import pytest

from caffe2keras.errors import InputError
from caffe2keras.graph.net import Note
from caffe2keras.legible import printable, visible

Run = Callable[..., tuple[int, str]]

NAMES = [
    "../../etc/passwd",
    "/",
    "a\0b",
    "\x1b[31mred\x1b]0;title\x07",
    "line\nfeed\rreturn\ttab",
    "\u202egnp.exe",
    "\u2066isolated\u2069",
    "<script>alert(1)</script>",
    "]]>&amp;<!--",
    "%s%n{0}{x.__class__}",
    "x" * 10_000,
]

NET = """
layer {{
  name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: 2 dim: 3 dim: 5 dim: 4 }} }}
}}
layer {{
  name: "{0}" type: "InnerProduct" bottom: "data" top: "{0}"
  inner_product_param {{ num_output: 7 weight_filler {{ type: "xavier" }} }}
}}
"""


def net_called(name: str) -> str:
    quoted = "".join(f"\\{byte:03o}" for byte in name.encode())
    return NET.format(quoted)


def is_harmless(shown: str) -> bool:
    return printable(shown) == shown


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_converted_and_loads(tmp_path: Path, run: Run, name: str) -> None:
    (tmp_path / "net.prototxt").write_text(net_called(name))
    code, shown = run("convert", "net.prototxt")
    assert code == 0
    assert is_harmless(shown)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.h5", "net.prototxt"]
    with h5py.File(tmp_path / "net.h5") as file:
        record = json.loads(file.attrs["caffe2keras"])
    assert record["outputs"] == [name]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_reaches_the_terminal_raw(tmp_path: Path, run: Run, name: str) -> None:
    (tmp_path / "net.prototxt").write_text(net_called(name))
    for words in (("inspect", "net.prototxt"), ("convert", "net.prototxt", "--output", name)):
        code, shown = run(*words)
        assert code == 0
        assert is_harmless(shown)
    broken = net_called(name).replace("InnerProduct", "Unheard")
    (tmp_path / "broken.prototxt").write_text(broken)
    code, shown = run("convert", "broken.prototxt")
    assert code == 5
    assert is_harmless(shown)


@pytest.mark.backend
@pytest.mark.parametrize("name", NAMES[2:6])
def test_no_name_reaches_the_terminal_raw_from_a_proof(tmp_path: Path, run: Run, name: str) -> None:
    (tmp_path / "net.prototxt").write_text(net_called(name))
    assert run("convert", "net.prototxt")[0] == 0
    code, shown = run("verify", "net.h5", "--oracle", "net.prototxt")
    assert code == 0
    assert is_harmless(shown)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_and_a_drawing_hold_names_as_text(tmp_path: Path, run: Run, name: str) -> None:
    (tmp_path / "net.prototxt").write_text(net_called(name))
    assert run("convert", "net.prototxt", "--html", "page.html")[0] == 0
    assert run("plot", "net.prototxt", "-o", "net.svg")[0] == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert is_harmless(page)
    ElementTree.parse(tmp_path / "net.svg")


@pytest.mark.parametrize("name", [name for name in NAMES if ".." not in name and name != "/"])
def test_a_batch_takes_any_name_and_reports_it(tmp_path: Path, run: Run, name: str) -> None:
    (tmp_path / "net.prototxt").write_text(net_called("fc"))
    manifest = {"nets": [{"name": name, "prototxt": "net.prototxt"}, {"prototxt": "missing"}]}
    (tmp_path / "nets.json").write_text(json.dumps(manifest))
    words = ("batch", "nets.json", "-o", "out", "--junit", "out.xml", "--json", "out.json")
    code, shown = run(*words)
    assert code != 0
    assert is_harmless(shown)
    if (tmp_path / "out.xml").exists():
        ElementTree.parse(tmp_path / "out.xml")
        json.loads((tmp_path / "out.json").read_text())


@pytest.mark.parametrize("name", ["../outside", "/absolute", "..", "a/../../b"])
def test_a_batch_writes_nothing_outside_of_its_folder(tmp_path: Path, run: Run, name: str) -> None:
    manifest = {"nets": [{"name": name, "prototxt": "net.prototxt"}]}
    (tmp_path / "nets.json").write_text(json.dumps(manifest))
    code, shown = run("batch", "nets.json", "-o", "out")
    assert code == 3
    assert "is no name" in shown


def test_labels_and_file_names_reach_the_terminal_as_text(tmp_path: Path, run: Run) -> None:
    (tmp_path / "labels.txt").write_text("\x1b[2J\n")
    code, shown = run("predict", "nowhere\x1b[31m.h5", "x.png", "--labels", "labels.txt")
    assert code == 3
    assert is_harmless(shown)


def test_a_word_that_the_command_line_does_not_know_is_shown_as_text(run: Run) -> None:
    code, shown = run("convert", "a.prototxt", "b.caffemodel", "extra\x1b[31m")
    assert code == 2
    assert is_harmless(shown)


def test_errors_and_notes_are_single_lines_of_text() -> None:
    error = InputError(what="a\nb\x1b", where="\u202e", why="\udc80", hint="ok")
    assert str(error) == "a\\nb\\x1b\n  in: \\u202e\n  why: \\udc80\n  try: ok"
    assert str(Note("kind", "sub\nject", "text")) == "kind: sub\\nject: text"


def test_text_of_several_lines_keeps_them() -> None:
    assert printable("a\n\tb\x07") == "a\n\tb\\x07"
    assert visible("Grüße, 世界 😀") == "Grüße, 世界 😀"
