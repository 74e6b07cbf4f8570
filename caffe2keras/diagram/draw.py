"""``plot``: a net's picture from its prototxt alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from caffe2keras.diagram.caffe import chart_of_net
from caffe2keras.diagram.picture import Picture, picture_of
from caffe2keras.diagram.png import write_png
from caffe2keras.diagram.svg import svg_file
from caffe2keras.emit.atomic import replacing
from caffe2keras.graph.build import build_net
from caffe2keras.graph.net import Note, Shape
from caffe2keras.graph.phase import NetState
from caffe2keras.plugins.loading import load_installed
from caffe2keras.read.prototxt import read_net
from caffe2keras.upgrade import upgrade

__all__ = ["PictureFormat", "PlotReport", "plot"]

PictureFormat = Literal["svg", "png"]
StrPath = str | Path

_NO_SHAPES: Mapping[str, Shape] = MappingProxyType({})


@dataclass(frozen=True)
class PlotReport:
    """What was drawn.

    Attributes:
        output: the file written.
        net_name: Caffe's name of the net.
        layers: how many layers the net has.
        boxes: how many boxes stand for them.
        scale: how large it is drawn; a PNG of a huge net is made smaller than 1.
        notes: what was decided while the net was read.
    """

    output: Path
    net_name: str
    layers: int
    boxes: int
    scale: float
    notes: tuple[Note, ...]


def plot(
    prototxt: StrPath,
    output: StrPath | None = None,
    *,
    format: PictureFormat = "svg",
    phase: Literal["TEST", "TRAIN"] = "TEST",
    stages: Sequence[str] = (),
    level: int = 0,
    input_shapes: Mapping[str, Shape] = _NO_SHAPES,
) -> PlotReport:
    """Draw a net, with the shapes of its blobs on the lines.

    Args:
        prototxt: the architecture, of any age.
        output: the file to write; by default the prototxt's name with the format's ending, in
            the current folder. It appears whole or not at all.
        format: "svg", or "png", for which Pillow must be installed.
        phase: which layers there are.
        stages: likewise.
        level: likewise.
        input_shapes: input blob -> shape in Caffe's axis order, instead of the declared one.

    Raises:
        InputError: the prototxt cannot be read.
        GraphError: the net is not well formed.
        EmitError: the output cannot be written, or Pillow is missing.
    """
    load_installed()
    target = Path(output) if output is not None else Path(f"{Path(prototxt).stem}.{format}")
    state = NetState(phase=phase, level=level, stages=tuple(stages))
    message = upgrade(read_net(prototxt), str(prototxt))
    net = build_net(message, source=str(prototxt), state=state, input_shapes=input_shapes)
    picture = picture_of(chart_of_net(net))
    with replacing(target) as scratch:
        scale = _write(picture, format, scratch)
    return PlotReport(target, net.name, len(net.layers), len(picture.boxes), scale, net.notes)


def _write(picture: Picture, format: PictureFormat, target: Path) -> float:
    if format == "png":
        return write_png(picture, target)
    target.write_text(svg_file(picture), encoding="utf-8")
    return 1.0
