"""The support table: every type that Caffe knows has an answer."""

from __future__ import annotations

import pytest

from caffe2keras.layer_map import support_table
from caffe2keras.layer_map.registry import mappings
from caffe2keras.layer_map.support import SupportRow

# Every type that BVLC's Caffe 1.0 registers, but Convolution's and its like's engine variants.
BVLC = """
AbsVal Accuracy ArgMax BNLL BatchNorm BatchReindex Bias Clip Concat ContrastiveLoss Convolution
Crop Data Deconvolution Dropout DummyData ELU Eltwise Embed EuclideanLoss Exp Filter Flatten
HDF5Data HDF5Output HingeLoss Im2col ImageData InfogainLoss InnerProduct Input LRN LSTM LSTMUnit
Log MVN MemoryData MultinomialLogisticLoss PReLU Parameter Pooling Power Python RNN ReLU Reduction
Reshape SPP Scale Sigmoid SigmoidCrossEntropyLoss Silence Slice Softmax SoftmaxWithLoss Split Swish
TanH Threshold Tile WindowData
"""


@pytest.fixture
def table() -> dict[str, SupportRow]:
    return {row.caffe_type: row for row in support_table()}


def test_every_type_of_caffe_has_a_row(table: dict[str, SupportRow]) -> None:
    assert set(BVLC.split()) - set(table) == set()


def test_every_row_has_a_status_and_the_layers_or_a_reason(table: dict[str, SupportRow]) -> None:
    for row in table.values():
        assert row.status in ("exact", "dropped", "refused")
        assert row.keras or row.note


def test_every_mapping_tells_what_it_makes(table: dict[str, SupportRow]) -> None:
    for kind in mappings():
        assert table[kind].status == "exact"
        assert table[kind].keras


def test_no_type_stands_twice() -> None:
    names = [row.caffe_type for row in support_table()]
    assert len(names) == len(set(names))
