"""Nets as text, for the pictures of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from caffe2keras.diagram import Chart, chart_of_net
from caffe2keras.graph.build import build_net
from caffe2keras.read.prototxt import parse_prototxt
from caffe2keras.upgrade import upgrade


@pytest.fixture
def chart_of() -> Callable[[str], Chart]:
    """``chart_of(text)``: the chart of the net that a prototxt describes."""

    def chart(text: str) -> Chart:
        return chart_of_net(
            build_net(upgrade(parse_prototxt(text, "net.prototxt")), source="net.prototxt")
        )

    return chart
