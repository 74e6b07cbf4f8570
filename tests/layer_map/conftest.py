"""Small nets of a few lines, with random weights, converted and held against the oracle."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pytest

from caffe2keras.convert import ConversionReport, convert, load_net
from caffe2keras.graph.net import Net
from caffe2keras.layer_map import map_net
from caffe2keras.load import load_model
from caffe2keras.proto.caffe_pb2 import NetParameter
from caffe2keras.spec import KerasModel, TensorRef
from caffe2keras.verify import verify

# Arrays that are no variance unless they are positive, by type and index.
_POSITIVE = {("BatchNorm", 1), ("BatchNorm", 2), ("BN", 3)}


@dataclass(frozen=True)
class Checked:
    """What became of a net.

    Attributes:
        report: of the conversion to channels_last.
        classes: of its Keras layers, in order, without InputLayer.
        resizable: whether it keeps its freedom of size.
    """

    report: ConversionReport
    classes: tuple[str, ...]
    resizable: bool


@pytest.fixture
def checked(tmp_path: Path) -> Callable[..., Checked]:
    """``checked(layers, x=(2, 3, 5, 4))``: the layers read inputs of these names and shapes.

    The net is converted in both data formats, and every blob compared with the oracle's. Weights
    are random. ``fed`` says what to feed; ``phase`` and the like go to ``convert``.
    """

    def check(
        layers: str, fed: Mapping[str, npt.ArrayLike] | None = None, **shapes: Sequence[int]
    ) -> Checked:
        prototxt = tmp_path / "net.prototxt"
        prototxt.write_text("\n".join([*(_input(*item) for item in shapes.items()), layers]))
        weights = _random_weights(load_net(prototxt), tmp_path / "net.caffemodel")
        reports = {}
        for data_format in ("channels_last", "channels_first"):
            target = tmp_path / f"{data_format}.h5"
            report = convert(prototxt, weights, target, data_format=data_format)
            reports[data_format] = report
            if _faulty(report):
                continue
            result = verify(target, oracle=(prototxt, weights), inputs=fed)
            assert result.ok, str(result)
            assert not result.missing_outputs
        model = map_net(load_net(prototxt, weights))
        _hold_names_against_keras(model, tmp_path / "channels_last.h5")
        classes = tuple(named.layer.class_name for named in model.layers)
        classes = tuple(name for name in classes if name != "InputLayer")
        return Checked(reports["channels_last"], classes, model.resizable)

    return check


def _hold_names_against_keras(model: KerasModel, path: Path) -> None:
    """The arrays are called as Keras calls them, in Keras's order."""
    loaded = load_model(path)
    for named in model.layers:
        if named.layer.variables:
            names = [variable.name for variable in named.layer.variables]
            names[:1] = ["kernel" if name == "depthwise_kernel" else name for name in names[:1]]
            assert [w.name for w in loaded.get_layer(named.name).weights] == names, named.name


def _faulty(report: ConversionReport) -> bool:
    """Whether Keras on TensorFlow is known to be wrong, which the report tells."""
    warned = any(note.kind == "warning" for note in report.notes)
    return bool(keras.backend.backend() == "tensorflow" and warned)


def _input(name: str, shape: Sequence[int]) -> str:
    dims = " ".join(f"dim: {extent}" for extent in shape)
    return (
        f'layer {{ name: "{name}" type: "Input" top: "{name}" '
        f"input_param {{ shape {{ {dims} }} }} }}"
    )


def _random_weights(net: Net, path: Path) -> Path | None:
    random = np.random.default_rng(20260814)
    message = NetParameter()
    for layer in net.layers:
        for subject in (layer, *layer.absorbed):
            if not subject.weights:
                continue
            stored = message.layer.add(name=subject.name, type=subject.type)
            for index, weight in enumerate(subject.weights):
                array = random.standard_normal(weight.shape).astype(np.float32)
                if (subject.type, index) in _POSITIVE:
                    array = np.abs(array) + np.float32(0.3)
                blob = stored.blobs.add()
                blob.shape.dim.extend(weight.shape)
                blob.data.extend(array.reshape(-1).tolist())
    path.write_bytes(message.SerializeToString())
    return path if message.layer else None


@pytest.fixture
def refusal(tmp_path: Path) -> Callable[..., str]:
    """``refusal(layers, x=(2, 3, 5, 4))``: the message of the error that the mapping raises."""

    def ask(layers: str, **shapes: Sequence[int]) -> str:
        from caffe2keras.errors import UnsupportedError

        prototxt = tmp_path / "net.prototxt"
        prototxt.write_text("\n".join([*(_input(*item) for item in shapes.items()), layers]))
        with pytest.raises(UnsupportedError) as caught:
            map_net(load_net(prototxt))
        return str(caught.value)

    return ask


@pytest.fixture
def net_of(tmp_path: Path) -> Callable[..., Net]:
    """``net_of(layers, x=(2, 3, 5, 4))``: the net, its arrays filled as the prototxt says."""

    def read(layers: str, **shapes: Sequence[int]) -> Net:
        prototxt = tmp_path / "net.prototxt"
        prototxt.write_text("\n".join([*(_input(*item) for item in shapes.items()), layers]))
        return load_net(prototxt)

    return read


@pytest.fixture
def written_out() -> Callable[[KerasModel], Iterator[str]]:
    """A model's layers, arrays, calls, blobs, heads and notes, a line each."""
    return _written_out


def _written_out(model: KerasModel) -> Iterator[str]:
    for named in model.layers:
        layer = named.layer
        yield f"  {named.name} = {layer.class_name} {json.dumps(layer.config, sort_keys=True)}"
        for one in layer.variables:
            yield f"    {one.name} {tuple(one.view.shape)}{'' if one.trainable else ' fixed'}"
    for node in model.nodes:
        yield f"  {node.layer} <- " + ", ".join(_told(tensor) for tensor in node.inputs)
    for blob in model.blobs:
        layout = "".join(str(axis) for axis in blob.layout.permutation)
        yield f"  blob {blob.blob}: {_told(blob.tensor)}, axes {layout}"
    for head in model.heads or ():
        held = {key: value for key, value in vars(head).items() if value}
        yield f"  head {json.dumps(held, sort_keys=True)}"
    yield f"  batch {model.static_batch}, {'resizable' if model.resizable else 'of this size'}"
    for note in model.notes:
        yield f"  {note.kind} {note.subject}: {note.text}"


def _told(tensor: TensorRef) -> str:
    return f"{tensor.layer}.{tensor.node}.{tensor.tensor}"
