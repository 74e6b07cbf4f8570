"""Sorts of layers, to colour them by. Types of plugins are sorted by their names as well."""

from __future__ import annotations

import re

__all__ = ["KINDS", "kind_of"]

# Kind -> what the name of a type of that kind holds, Caffe's or Keras's. The first that fits
# counts: "MaxPooling2DWithMask" pools, "SoftmaxWithLoss" is a loss, "Convolution3D" convolves.
_MARKS = {
    "loss": r"Loss|Accuracy|Silence",
    "data": r"^Input|Data$|Data[A-Z]|Constant|Parameter|ContinuationIndicator",
    "detection": r"Prior|Detection|Proposal|ROI|Region|Yolo|Anchor",
    "recurrent": r"LSTM|Lstm|RNN|GRU",
    "pooling": r"Pool|SPP|Upsampl",
    "convolution": r"Conv|Im2col|^Local|LocallyConnected",
    "dense": r"^InnerProduct|Dense|Embed|InnerDistance|Bilinear",
    "normalization": r"Norm|LRN|MVN|^BN$|^Scale|>Scale|^Bias|Whiten",
    "joining": r"Concat|Eltwise|Add$|Multiply$|Subtract$|Maximum$|Minimum$|Sum$|Axpy|MatMul|Dot$",
    "shape": r"Reshape|Permute|Flatten|Slice|Split|Crop|Padding|Tile|Transpose|Reorg|Shuffle|"
    r"Reverse|Flip|Filter|BatchReindex|Interp|Resize",
    "activation": r"ReLU|ELU|Sigmoid|TanH|Softmax|Activation|Power|Exp|Log|BNLL|AbsVal|Swish|"
    r"Threshold|Clip|Dropout|Noise|Insanity|Rectify|Softplus|Sqrt|Sparsify",
}

KINDS = (*_MARKS, "other")

_PATTERNS = {kind: re.compile(pattern) for kind, pattern in _MARKS.items()}


def kind_of(layer_type: str) -> str:
    """The sort of a layer, by the name of its type."""
    fitting = (kind for kind, pattern in _PATTERNS.items() if pattern.search(layer_type))
    return next(fitting, "other")
