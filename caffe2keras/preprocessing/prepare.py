"""The steps of one net: settled, baked in if that is wished, and written down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from caffe2keras.graph.net import Net
from caffe2keras.preprocessing.bake import bake
from caffe2keras.preprocessing.settle import settle
from caffe2keras.preprocessing.steps import Preprocessing, Steps
from caffe2keras.provenance import PreprocessingRecord
from caffe2keras.spec import KerasModel

__all__ = ["prepare"]


def prepare(
    model: KerasModel, net: Net, told: Preprocessing | None, folder: Path
) -> tuple[KerasModel, PreprocessingRecord | None]:
    """Put what is done to pictures before the model, or only note it.

    Args:
        model: of the net.
        net: what the prototxt says.
        told: what the user says, to be baked in; None leaves the model as it is.
        folder: where mean files are looked for, beside the current one.

    Returns:
        The model, and what its file shall say about it; None where nobody says anything.

    Raises:
        InputError: the steps are to be baked in and something is missing or does not fit.
    """
    steps, notes = settle(net, told or Preprocessing(), folder, needed=told is not None)
    model = replace(model, notes=(*model.notes, *notes))
    if steps is None:
        return model, None
    if told is None:
        return model, _recorded(steps, ())
    baked, layers = bake(model, steps)
    return baked, _recorded(steps, layers)


def _recorded(steps: Steps, layers: tuple[str, ...]) -> PreprocessingRecord:
    return PreprocessingRecord(
        blob=steps.blob,
        mean=() if steps.has_mean_image else tuple(float(value) for value in steps.mean.ravel()),
        mean_file=steps.mean_file,
        scale=steps.scale,
        channel_order=steps.channel_order,
        resize=steps.resize,
        layers=layers,
    )
