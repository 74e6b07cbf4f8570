"""Shape rules are asked with a layer's text and the shapes of its bottoms."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.protobuf import text_format

from caffe2keras.errors import ShapeError
from caffe2keras.params import Params
from caffe2keras.proto.caffe_pb2 import LayerParameter
from caffe2keras.shapes.registry import Inferred, infer

Shape = tuple[int, ...]


@pytest.fixture
def inferred() -> Callable[..., Inferred]:
    """What the rule answers: ``inferred("Tile", "tile_param { tiles: 2 }", (2, 3), tops=1)``."""

    def ask(kind: str, text: str, *bottoms: Shape, tops: int = 1) -> Inferred:
        return infer(kind, Params(text_format.Parse(text, LayerParameter())), bottoms, tops)

    return ask


@pytest.fixture
def refused(inferred: Callable[..., Inferred]) -> Callable[..., None]:
    """The rule refuses, and its message holds the words."""

    def ask(words: str, kind: str, text: str, *bottoms: Shape, tops: int = 1) -> None:
        with pytest.raises(ShapeError) as caught:
            inferred(kind, text, *bottoms, tops=tops)
        assert words in str(caught.value)

    return ask
