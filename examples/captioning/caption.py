"""Describe drawings in words, greedily, one word at a time, with nets converted from Caffe.

Usage: python caption.py [DRAWINGS]

Exit code 0: every caption is, word by word, the one that Caffe gave.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import caffe2keras
from caffe2keras.record import read_record

HERE = Path(__file__).parent
Array = npt.NDArray[np.float32]

WORDS = ("<end>", "a", "square", "bar", "column", "left", "of", "above")
END, LONGEST = 0, 8
UNITS = 32
HEIGHT, WIDTH = 12, 16
SHAPES = {"square": (3, 3), "bar": (2, 6), "column": (5, 2)}


def drawing(random: np.random.Generator) -> tuple[Array, str]:
    """One shape somewhere, or two beside or above each other: image (1, HEIGHT, WIDTH), caption."""
    image = random.normal(0, 0.1, (1, HEIGHT, WIDTH)).astype(np.float32)
    first, second = (str(name) for name in random.choice(list(SHAPES), 2))
    relation = str(random.choice(["", "left of", "above"]))
    if not relation:
        paint(image, first, (0, HEIGHT), (0, WIDTH), random)
        return image, f"a {first}"
    if relation == "left of":
        paint(image, first, (0, HEIGHT), (0, WIDTH // 2 - 1), random)
        paint(image, second, (0, HEIGHT), (WIDTH // 2 + 1, WIDTH), random)
    else:
        paint(image, first, (0, HEIGHT // 2 - 1), (0, WIDTH), random)
        paint(image, second, (HEIGHT // 2 + 1, HEIGHT), (0, WIDTH), random)
    return image, f"a {first} {relation} a {second}"


def paint(
    image: Array,
    name: str,
    rows: tuple[int, int],
    columns: tuple[int, int],
    random: np.random.Generator,
) -> None:
    """Fill a shape somewhere within these rows and columns."""
    height, width = SHAPES[name]
    top = random.integers(rows[0], rows[1] - height + 1)
    left = random.integers(columns[0], columns[1] - width + 1)
    image[0, top : top + height, left : left + width] += 1


class Net:
    """A converted net, called with blobs by name and giving its outputs by name."""

    def __init__(self, name: str, folder: Path) -> None:
        file = folder / f"{name}.h5"
        # Both nets find their weights, by the names of layers, in the one that was trained.
        caffe2keras.convert(HERE / f"{name}.prototxt", HERE / "captions.caffemodel", file)
        self.outputs = read_record(file).outputs
        self.model: Any = caffe2keras.load_model(file)

    def __call__(self, fed: dict[str, Array]) -> dict[str, Array]:
        """One batch through the net."""
        given = [fed[tensor.name] for tensor in self.model.inputs]
        answer = self.model.predict_on_batch(given if len(given) > 1 else given[0])
        found = answer if isinstance(answer, list) else [answer]
        return dict(zip(self.outputs, map(np.asarray, found), strict=True))


class Describer:
    """The two halves of a caption net: an image to its feature, a word to the next one."""

    def __init__(self, folder: Path) -> None:
        self.image, self.words = Net("image", folder), Net("words", folder)

    def caption(self, image: Array) -> str:
        """The likeliest word at each step, until the sentence ends.

        The state of the LSTM goes out of each step and into the next, so that a step costs the
        same however long the sentence is; cont is 0 before the first word, and 1 from then on.
        """
        feature = self.image({"data": image[np.newaxis].transpose(0, 2, 3, 1)})["feature"]
        h = c = np.zeros((1, 1, UNITS), np.float32)
        said = [END]
        while len(said) == 1 or (said[-1] != END and len(said) <= LONGEST):
            word = np.full((1, 1), said[-1], np.float32)
            cont = np.full((1, 1), len(said) > 1, np.float32)
            fed = {"word": word, "cont": cont, "image_feature": feature, "h_0": h, "c_0": c}
            step = self.words(fed)
            h, c = step["h_T"], step["c_T"]
            said.append(int(step["probs"].argmax()))
        return " ".join(WORDS[index] for index in said if index != END)


def main(count: int) -> int:
    """Draw, describe, compare with Caffe, print."""
    random = np.random.default_rng(0)
    caffes = (HERE / "captions.txt").read_text().splitlines()[:count]
    with tempfile.TemporaryDirectory() as folder:
        describer = Describer(Path(folder))
    right = same = 0
    for number, theirs in enumerate(caffes):
        image, truth = drawing(random)
        ours = describer.caption(image)
        right, same = right + (ours == truth), same + (ours == theirs)
        if number < 3:
            show(image)
            print(f"{ours}\n")
    print(f"{right} of {len(caffes)} captions are right, {same} are those that Caffe gave")
    return int(same < len(caffes))


def show(image: Array) -> None:
    """The image in characters."""
    for row in image[0]:
        print("".join("#" if pixel > 0.5 else "." for pixel in row))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40))
