"""The table of rules itself."""

from __future__ import annotations

import pytest

from caffe2keras.errors import PluginError
from caffe2keras.shapes.registry import Inferred, infer, infers, known_types


def test_a_type_has_one_rule():
    with pytest.raises(PluginError, match="Pooling has a shape rule already: pooling, from"):

        @infers("Pooling")
        def mine(params, bottoms, tops):
            return Inferred(())


def test_a_type_without_a_rule_is_a_key_error():
    with pytest.raises(KeyError):
        infer("Python", None, [], 1)  # type: ignore[arg-type]


def test_absurd_sizes_are_refused(refused):
    wide = (1, 2**31 - 1)
    refused(
        "blobs hold 2,147,483,647 at most", "Tile", "tile_param { tiles: 2147483647 }", (5, *wide)
    )
    text = "inner_product_param { num_output: 4294967295 }"
    refused("blobs hold 2,147,483,647 at most", "InnerProduct", text, wide)


# Registered in Caffe 1.0 (layer_factory.hpp: LayerRegistry); Python layers are the user's own.
CAFFES_OWN = """
    AbsVal Accuracy ArgMax BNLL BatchNorm BatchReindex Bias Clip Concat ContrastiveLoss Convolution
    Crop Data Deconvolution Dropout DummyData ELU Eltwise Embed EuclideanLoss Exp Filter Flatten
    HDF5Data HDF5Output HingeLoss Im2col ImageData InfogainLoss InnerProduct Input LRN LSTM LSTMUnit
    Log MVN MemoryData MultinomialLogisticLoss PReLU Parameter Pooling Power RNN ReLU Reduction
    Reshape SPP Scale Sigmoid SigmoidCrossEntropyLoss Silence Slice Softmax SoftmaxWithLoss Split
    Swish TanH Threshold Tile WindowData
"""


def test_every_type_of_caffes_own_has_a_rule():
    assert set(CAFFES_OWN.split()) <= known_types()
    assert "Python" not in known_types()
