import builtins
from pathlib import Path

import pytest

from caffe2keras.diagram import plot
from caffe2keras.errors import EmitError, InputError

Image = pytest.importorskip("PIL.Image", reason="Pillow draws PNGs")


def test_an_svg_needs_the_prototxt_only(lopsided, tmp_path):
    report = plot(lopsided, tmp_path / "net.svg")
    assert (report.layers, report.boxes, report.scale) == (6, 5, 1.0)
    text = (tmp_path / "net.svg").read_text(encoding="utf-8")
    assert ">Convolution + ReLU</text>" in text
    assert ">2x7x6x5<" in text


def test_the_file_is_named_after_the_prototxt(lopsided, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert plot(lopsided).output == Path("lopsided.svg")
    assert Path("lopsided.svg").exists()


def test_a_png_shows_boxes_in_their_kinds_colours(lopsided, tmp_path):
    report = plot(lopsided, tmp_path / "net.png", format="png")
    assert report.scale == 2.0
    with Image.open(tmp_path / "net.png") as image:
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}
    assert (0x1D, 0x5F, 0xBF) in colours  # the edge of a convolution
    assert (255, 255, 255) in colours


def test_the_same_net_gives_the_same_bytes(lopsided, tmp_path):
    for name in ("one.png", "two.png"):
        plot(lopsided, tmp_path / name, format="png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_letters_that_the_font_lacks_are_escapes(lopsided, tmp_path):
    from caffe2keras.diagram.png import _Font

    font = _Font(20)
    assert font.known("conv1/3x3…") == "conv1/3x3…"
    assert font.known("\u4e2d") == r"\u4e2d"
    assert font.face.getlength(font.fitted("a name of some length", 60)) <= 60


def test_a_huge_png_is_drawn_smaller(lopsided, tmp_path, monkeypatch):
    monkeypatch.setattr("caffe2keras.diagram.png._MOST_PIXELS", 50_000)
    report = plot(lopsided, tmp_path / "net.png", format="png")
    assert report.scale < 1
    with Image.open(tmp_path / "net.png") as image:
        assert image.width * image.height < 60_000


def test_without_pillow_a_png_is_one_clear_error_and_no_file(lopsided, tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "PIL":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(EmitError, match="Pillow is not installed") as caught:
        plot(lopsided, tmp_path / "net.png", format="png")
    assert "write an SVG instead" in str(caught.value)
    assert not (tmp_path / "net.png").exists()


def test_an_input_shape_may_be_given(resizable, tmp_path):
    plot(resizable, tmp_path / "net.svg", input_shapes={"data": (4, 3, 17, 12)})
    assert ">4x3x17x12<" in (tmp_path / "net.svg").read_text(encoding="utf-8")


def test_a_missing_prototxt_is_an_input_error(tmp_path):
    with pytest.raises(InputError):
        plot(tmp_path / "none.prototxt", tmp_path / "net.svg")
    assert list(tmp_path.iterdir()) == []
