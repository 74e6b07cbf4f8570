"""What the prototxt and the user say together about the images of one net."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from caffe2keras.errors import InputError
from caffe2keras.graph.net import Blob, Layer, Net, Note
from caffe2keras.preprocessing.means import mean_of
from caffe2keras.preprocessing.steps import Preprocessing, Steps

__all__ = ["settle"]


def settle(
    net: Net, told: Preprocessing, folder: Path, *, needed: bool
) -> tuple[Steps | None, tuple[Note, ...]]:
    """The steps for the net's pictures.

    Args:
        net: with its data layers as inputs.
        told: by the user; goes before the prototxt's ``transform_param``.
        folder: the prototxt's; a mean file is looked for there and in the current folder.
        needed: whether the steps are to be baked in, so that what is missing is an error.

    Returns:
        The steps, None where nobody says anything, and what the user should know.

    Raises:
        InputError: no input takes pictures or several do, or a mean does not fit or is missing.
    """
    fed = _pictures(net)
    layer, blob = _the_one(fed) if needed or not told.says_nothing else _first(fed)
    if layer is None or blob is None:
        return None, tuple(_left_to_the_user(layer) for layer in _telling(net))
    said = _said_by(layer)
    notes: tuple[Note, ...] = ()
    if isinstance(said.mean, str) and told.mean is None:
        path = _found(said.mean, folder)
        if path is None and needed:
            raise InputError(
                what=f"there is no mean file {said.mean}",
                where=f"{layer.where}, transform_param of {layer}",
                hint="--mean FILE says where it is",
            )
        notes = () if path else (_missing(said.mean),)
        said = replace(said, mean=path)
    merged = Preprocessing(
        **{name: _first_told(getattr(told, name), getattr(said, name)) for name in vars(told)}
    )
    if merged.says_nothing:
        return None, notes
    return _steps(blob, merged), notes


def _pictures(net: Net) -> list[tuple[Layer, Blob]]:
    """The inputs that are images, (N, C, H, W), in order."""
    return [
        (layer, blob)
        for layer in net.layers
        if layer.type == "Input"
        for blob in layer.tops
        if len(blob.shape) == 4
    ]


def _the_one(fed: list[tuple[Layer, Blob]]) -> tuple[Layer, Blob]:
    if len(fed) == 1:
        return fed[0]
    names = ", ".join(f'"{blob.name}"' for _, blob in fed)
    raise InputError(
        what=f"the net takes {len(fed)} images: {names}" if fed else "the net takes no images",
        why="what is done to pictures can be told for nets that take one",
    )


def _first(fed: list[tuple[Layer, Blob]]) -> tuple[Layer | None, Blob | None]:
    return fed[0] if len(fed) == 1 else (None, None)


def _said_by(layer: Layer) -> Preprocessing:
    """What a data layer's ``transform_param`` says; where it crops, the blob's size says."""
    params = layer.params.fresh()
    p = params.transform_param
    mean: Any = p.mean_file if p.has("mean_file") else (p.mean_value or None)
    resized = (params.image_data_param.new_height, params.image_data_param.new_width)
    return Preprocessing(
        mean=mean,
        scale=p.scale if p.has("scale") else None,
        resize=resized if all(resized) else None,
    )


def _telling(net: Net) -> list[Layer]:
    """The inputs whose prototxt says what is done to what they are fed."""
    return [
        layer for layer in net.layers if layer.type == "Input" and not _said_by(layer).says_nothing
    ]


def _left_to_the_user(layer: Layer) -> Note:
    text = "it is for whoever feeds the model: the file keeps it for nets that take one image"
    return Note("left over", f'transform_param of layer "{layer.name}"', text)


def _found(name: str, folder: Path) -> str | None:
    places = (Path(name), folder / name, folder / Path(name).name)
    return next((str(place) for place in places if place.is_file()), None)


def _missing(name: str) -> Note:
    text = "there is no such file here, so that the model does not know the mean; --mean tells it"
    return Note("left over", f"mean_file {name}", text)


def _first_told(told: Any, said: Any) -> Any:
    return said if told is None else told


def _steps(blob: Blob, merged: Preprocessing) -> Steps:
    _, channels, height, width = blob.shape
    order = merged.channel_order or "bgr"
    if order == "rgb" and channels != 3:
        raise InputError(
            what=f'input "{blob.name}" has {channels} channels, and RGB images have 3',
            hint="leave out --channel-order",
        )
    mean, whole = mean_of(merged.mean, channels, (height, width))
    resize = merged.resize or whole or (height, width)
    if resize[0] < height or resize[1] < width:
        raise InputError(
            what=f"pictures of {resize[0]} x {resize[1]} are smaller than the net's input, "
            f"{height} x {width}",
            why="the net's size is cut out of their middle",
        )
    name = Path(merged.mean).name if isinstance(merged.mean, str | Path) else ""
    scale = 1.0 if merged.scale is None else float(merged.scale)
    return Steps(blob.name, mean, scale, order, resize, name)
