"""Parameter messages that a layer's type never reads, in Caffe neither.

Caffe accepts every message in every layer: a ``loss_param`` in a Softmax changes nothing there. It
is taken out and told, so that everything behind this module may hold a field to be meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from caffe2keras.graph.net import Note

if TYPE_CHECKING:
    from caffe2keras.proto.caffe_pb2 import LayerParameter

__all__ = ["set_idle_messages_aside"]

# BVLC's layers that compute, with all that their code reads (include/caffe/layers, src/caffe/layers
# at 1.0). A fork may read a message of its own in any of them, so only BVLC's messages can be idle.
_READ: Mapping[str, tuple[str, ...]] = {
    "AbsVal": (),
    "Accuracy": ("accuracy_param",),
    "ArgMax": ("argmax_param",),
    "BNLL": (),
    "BatchNorm": ("batch_norm_param",),
    "BatchReindex": (),
    "Bias": ("bias_param",),
    "Clip": ("clip_param",),
    "Concat": ("concat_param",),
    "ContrastiveLoss": ("contrastive_loss_param",),
    "Convolution": ("convolution_param",),
    "Crop": ("crop_param",),
    "Deconvolution": ("convolution_param",),
    "Dropout": ("dropout_param",),
    "DummyData": ("dummy_data_param",),
    "ELU": ("elu_param",),
    "Eltwise": ("eltwise_param",),
    "Embed": ("embed_param",),
    "EuclideanLoss": (),
    "Exp": ("exp_param",),
    "Filter": (),
    "Flatten": ("flatten_param",),
    "HingeLoss": ("hinge_loss_param",),
    "Im2col": ("convolution_param",),
    "InfogainLoss": ("infogain_loss_param", "loss_param", "softmax_param"),
    "InnerProduct": ("inner_product_param",),
    "LRN": ("lrn_param",),
    "LSTM": ("recurrent_param",),
    "Log": ("log_param",),
    "MVN": ("mvn_param",),
    "MultinomialLogisticLoss": (),
    "PReLU": ("prelu_param",),
    "Parameter": ("parameter_param",),
    "Pooling": ("pooling_param",),
    "Power": ("power_param",),
    "RNN": ("recurrent_param",),
    "ReLU": ("relu_param",),
    "Reduction": ("reduction_param",),
    "Reshape": ("reshape_param",),
    "SPP": ("spp_param",),
    "Scale": ("scale_param",),
    "Sigmoid": ("sigmoid_param",),
    "SigmoidCrossEntropyLoss": ("loss_param", "sigmoid_param"),
    "Silence": (),
    "Slice": ("slice_param",),
    "Softmax": ("softmax_param",),
    "SoftmaxWithLoss": ("loss_param", "softmax_param"),
    "Split": (),
    "Swish": ("swish_param",),
    "TanH": ("tanh_param",),
    "Threshold": ("threshold_param",),
    "Tile": ("tile_param",),
}
_OF_OTHER_LAYERS = frozenset(
    {
        "accuracy_param",
        "contrastive_loss_param",
        "data_param",
        "dummy_data_param",
        "hdf5_data_param",
        "hdf5_output_param",
        "hinge_loss_param",
        "image_data_param",
        "infogain_loss_param",
        "input_param",
        "loss_param",
        "memory_data_param",
        "python_param",
        "transform_param",
        "window_data_param",
    }
)
_BVLC = _OF_OTHER_LAYERS.union(*_READ.values())


def set_idle_messages_aside(
    layers: Iterable[LayerParameter],
) -> tuple[list[LayerParameter], tuple[Note, ...]]:
    """The layers without the messages that their types do not read, and a note for each.

    Args:
        layers: of the current schema; never changed.

    Returns:
        The layers, copied where something was taken out, and what was.
    """
    kept: list[LayerParameter] = []
    notes: list[Note] = []
    for layer in layers:
        idle = _idle(layer)
        kept.append(_without(layer, idle) if idle else layer)
        notes += [_note(layer, name) for name in idle]
    return kept, tuple(notes)


def _idle(layer: LayerParameter) -> list[str]:
    if layer.type not in _READ:
        return []
    present = [field.name for field, _ in layer.ListFields()]
    return [name for name in present if name in _BVLC and name not in _READ[layer.type]]


def _without(layer: LayerParameter, names: Sequence[str]) -> LayerParameter:
    copy = type(layer)()
    copy.CopyFrom(layer)
    for name in names:
        copy.ClearField(name)  # type: ignore[arg-type]  # the stub knows literals only
    return copy


def _note(layer: LayerParameter, name: str) -> Note:
    text = f"no {layer.type} layer reads it, in Caffe neither"
    return Note("dropped", f'{name} of layer "{layer.name}"', text)
