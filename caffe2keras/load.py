"""Converted files as live Keras models."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from caffe2keras.backend import following_long_chains, import_keras, keep_float32
from caffe2keras.errors import Caffe2KerasError, InputError
from caffe2keras.plugins.needs import provide_keras_layers
from caffe2keras.read.keras_file import refuse_traps
from caffe2keras.record import InputRecord, Record, read_record

__all__ = ["OpenShape", "check_input_shapes", "load_model", "read_record"]

# Caffe's axis order, batch included; None leaves an axis open.
OpenShape = tuple[int | None, ...]


def load_model(
    path: str | PathLike[str],
    input_shapes: Mapping[str, OpenShape] | None = None,
    compile: bool | None = None,
) -> Any:
    """Load a converted file, in Keras's safe mode, with our layers registered.

    If Keras is not imported yet and nobody has named a backend, one that is installed is chosen.
    Each variable carries Caffe's multipliers of learning rate and weight decay as its attributes
    ``lr_multiplier`` and ``decay_multiplier``, which ``compile_from_solver`` and
    ``caffe2keras.runtime.LearningRateMultiplier`` heed.
    On OpenVINO the model predicts in float32, as Caffe does, whatever the processor offers.

    Args:
        path: a ``.h5`` or ``.keras`` file.
        input_shapes: other shapes for some inputs, by Caffe's blob name, in Caffe's axis order;
            None leaves an axis open.
        compile: whether the model is compiled as the file says; by default if it was converted
            to be trained. A model with other input shapes is never compiled.

    Returns:
        a ``keras.Model``.

    Raises:
        InputError: the file cannot be loaded, or its net does not take these input shapes; a
            PluginError where it needs a plugin that is not loaded.
        BackendError: no Keras backend can be imported.
    """
    path = Path(path)
    refuse_traps(path)  # said before Keras is imported, which takes long
    shapes = _keras_shapes(read_record(path), input_shapes) if input_shapes else {}
    keras = import_keras()
    record = _record_if_any(path)
    provide_keras_layers(keras, record, path)
    try:
        with warnings.catch_warnings(), following_long_chains():
            # The name that every Keras since 2.3 knows; Keras 3 would rather have negative_slope.
            warnings.filterwarnings("ignore", message="Argument `alpha` is deprecated")
            model = keras.saving.load_model(path, compile=compile is True, safe_mode=True)
    except (Caffe2KerasError, MemoryError):
        raise
    except Exception as error:  # a config of strangers can make Keras, and a backend, raise any
        raise InputError(
            what=f"Keras cannot load {path}",
            why=next(iter(str(error).strip().splitlines()), type(error).__name__),
        ) from error
    if shapes:
        model = _resized(keras, model, shapes)
    training = record.training if record is not None else None
    if record is not None:
        _carry_multipliers(model, record)
    if training is not None or not model.compiled:
        model = _unwrapped(keras, model)
    if training is not None and compile is not False and not shapes:
        model.compile(**_compile_arguments(keras, training.compile))
    return keep_float32(model)


def _record_if_any(path: Path) -> Record | None:
    try:
        return read_record(path)
    except InputError:
        return None  # not ours, or saved anew by Keras, whose optimizers keep them in their config


def _compile_arguments(keras: Any, config: Mapping[str, Any]) -> Mapping[str, Any]:
    """What Keras's own loader would make of a file's ``training_config``."""
    optimizer = keras.optimizers.deserialize(config["optimizer_config"])
    return {
        "optimizer": optimizer,
        "loss": _each(keras.losses.deserialize, config["loss"]),
        "metrics": _each(keras.metrics.deserialize, config["metrics"]),
        "loss_weights": config["loss_weights"],
    }


def _each(deserialize: Callable[[Any], Any], config: Any) -> Any:
    if isinstance(config, list):
        return [_each(deserialize, one) for one in config]
    return None if config is None else deserialize(config)


def _carry_multipliers(model: Any, record: Record) -> None:
    """Tell each variable Caffe's lr_mult and decay_mult, for the optimizers that heed them.

    In a model that is to be trained, what Caffe does not train (lr_mult 0) is not trainable, so
    that every optimizer leaves it.
    """
    layers = {layer.name: layer for layer in model.layers}
    for entry in record.variables:
        for variable in layers[entry.layer].weights if entry.layer in layers else ():
            if variable.name == entry.variable:
                variable.lr_multiplier = entry.lr_mult
                variable.decay_multiplier = entry.decay_mult
                if record.training is not None and entry.lr_mult == 0:
                    variable.trainable = False


def check_input_shapes(record: Record, shapes: Mapping[str, OpenShape]) -> None:
    """Refuse input shapes that the layers in the file were not made for.

    Args:
        record: the file's.
        shapes: by Caffe's blob name, in Caffe's axis order; None leaves an axis open.

    Raises:
        InputError: there is no such input, or an axis has an extent that it cannot have.
    """
    inputs = {entry.blob: entry for entry in record.inputs}
    for blob, shape in shapes.items():
        if blob not in inputs:
            raise InputError(
                what=f'the net has no input "{blob}"',
                hint="its inputs are " + ", ".join(inputs),
            )
        _check_shape(record, inputs[blob], tuple(shape))


def _check_shape(record: Record, entry: InputRecord, shape: OpenShape) -> None:
    text = f'input "{entry.blob}" cannot have shape {shape}'
    if len(shape) != len(entry.shape):
        raise InputError(what=text, why=f"it has {len(entry.shape)} axes: {entry.shape}")
    batch = entry.layout.permutation[0] if shape else None
    for axis, (wanted, converted) in enumerate(zip(shape, entry.shape, strict=True)):
        free = record.static_batch is None if axis == batch else record.resizable and axis > 1
        if wanted != converted and not free:
            raise InputError(
                what=text,
                why=f"the net was converted for {entry.shape} and axis {axis} is fixed",
                hint="convert it again with --input-shape " + _option(entry.blob, shape),
            )


def _keras_shapes(record: Record, wanted: Mapping[str, OpenShape]) -> dict[str, OpenShape]:
    """Input layer -> shape in Keras's axis order, for those that differ from the file's."""
    check_input_shapes(record, wanted)
    shapes: dict[str, OpenShape] = {}
    for entry in record.inputs:
        converted: list[int | None] = list(entry.layout.keras_shape(entry.shape))
        if converted and record.static_batch is None:
            converted[0] = None
        shape = wanted.get(entry.blob)
        if shape is not None:
            turned = tuple(shape[axis] for axis in entry.layout.permutation)
            if turned != tuple(converted):
                shapes[entry.layer] = turned
    return shapes


def _option(blob: str, shape: OpenShape) -> str:
    return f"{blob}=" + ",".join("1" if extent is None else str(extent) for extent in shape)


def _unwrapped(keras: Any, model: Any) -> Any:
    """The same model, with its only input and its only output as themselves.

    The files' dialect makes lists of one of them, and Keras 3 then warns of a lone array.
    """
    inputs = model.inputs if len(model.inputs) > 1 else model.inputs[0]
    outputs = model.outputs if len(model.outputs) > 1 else model.outputs[0]
    with following_long_chains():
        return keras.Model(inputs, outputs, name=model.name)


def _resized(keras: Any, model: Any, shapes: Mapping[str, OpenShape]) -> Any:
    """The same layers and weights behind other inputs."""
    config = model.get_config()
    for layer in config["layers"]:
        if layer["config"]["name"] in shapes:
            layer["config"]["batch_shape"] = shapes[layer["config"]["name"]]
    with following_long_chains():
        resized = keras.Model.from_config(config)
    for layer in model.layers:
        # One layer at a time, so that at most one array too many is in memory.
        resized.get_layer(layer.name).set_weights(layer.get_weights())
    return resized
