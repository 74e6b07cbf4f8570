"""Draw, over an image, where a converted net saw the class that it tells.

Usage: python cam.py [FOLDER] [IMAGES]

Draws images, classifies each with the net, and writes FOLDER/0.png, 1.png, ..., in which what is
red speaks for the class, beside the bare image. Exit code 0: in each image that is classified
right, the map's highest point lies on the shape.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

import caffe2keras

HERE = Path(__file__).parent
Array = npt.NDArray[np.float32]

# Without the last, one shape could be told by the others not being there.
CLASSES = ("ring", "cross", "stripes", "nothing")
HEIGHT, WIDTH, SIDE = 28, 36, 9
ZOOM = 8


def drawing(random: np.random.Generator) -> tuple[Array, int, tuple[int, int]]:
    """An image (HEIGHT, WIDTH) of one shape among specks, its class, and its top left corner."""
    image = random.normal(0, 0.1, (HEIGHT, WIDTH)).astype(np.float32)
    image[random.random(image.shape) < 0.03] += 1
    label = int(random.integers(len(CLASSES)))
    top, left = (int(random.integers(extent - SIDE + 1)) for extent in (HEIGHT, WIDTH))
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    ink = {
        "ring": np.abs(np.hypot(y, x) - 3.5) < 0.8,
        "cross": np.abs(y) == np.abs(x),
        "stripes": y % 3 == 0,
        "nothing": np.zeros((SIDE, SIDE), bool),
    }[CLASSES[label]]
    image[top : top + SIDE, left : left + SIDE] += ink
    return image, label, (top, left)


def with_map(folder: Path) -> Any:
    """A model of the probabilities and, from the same features, a map for each class."""
    import keras

    from caffe2keras.runtime import ClassActivationMapping

    file = folder / "shapes.h5"
    caffe2keras.convert(HERE / "deploy.prototxt", HERE / "shapes.caffemodel", file)
    model = caffe2keras.load_model(file)
    # Caffe's "pool" leaves axes of one place, so it became this and a Reshape.
    pooling, dense = model.get_layer("pool_pool"), model.get_layer("score")
    maps = ClassActivationMapping.from_head(pooling, dense, size=(HEIGHT, WIDTH))
    return keras.Model(model.inputs, [model.outputs[0], maps(pooling.input)])


def drawn_over(image: Array, heat: Array) -> Image.Image:
    """The image in grey, and beside it the same with red where the map is high."""
    grey = np.clip(image, 0, 1)[..., np.newaxis].repeat(3, axis=-1)
    strength = np.clip((heat - heat.min()) / np.ptp(heat), 0, 1)[..., np.newaxis] ** 2
    red = np.array([1.0, 0.1, 0.0])
    shown = np.concatenate([grey, (1 - 0.7 * strength) * grey + 0.7 * strength * red], axis=1)
    picture = Image.fromarray((255 * shown).astype(np.uint8))
    return picture.resize((ZOOM * picture.width, ZOOM * picture.height), Image.Resampling.NEAREST)


def is_on(corner: tuple[int, int], heat: Array) -> bool:
    """Whether the highest point of the map lies within a shape with this top left corner."""
    y, x = np.unravel_index(heat.argmax(), heat.shape)
    return bool(0 <= y - corner[0] < SIDE and 0 <= x - corner[1] < SIDE)


def main(target: Path, count: int) -> int:
    """Draw, classify, draw the maps."""
    random = np.random.default_rng(1)
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        model = with_map(Path(folder))
    images, labels, corners = zip(*(drawing(random) for _ in range(count)), strict=True)
    batch = np.stack(images)[..., np.newaxis]
    probabilities, maps = (np.asarray(one) for one in model.predict_on_batch(batch))
    right = seen = 0
    for number, label in enumerate(labels):
        told = int(probabilities[number].argmax())
        heat = maps[number, :, :, told]
        drawn_over(images[number], heat).save(target / f"{number}.png")
        right += told == label
        seen += told == label and (CLASSES[told] == "nothing" or is_on(corners[number], heat))
    print(f"{right} of {count} images are told right, {seen} of them for the place of the shape")
    print(f"the maps are in {target}")
    return int(seen < right)


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(main(Path(given[0] if given else "maps"), int(given[1]) if len(given) > 1 else 8))
