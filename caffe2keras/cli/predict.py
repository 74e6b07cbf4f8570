"""``caffe2keras predict``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from caffe2keras.cli.options import FILE, json_option, plugin_options
from caffe2keras.cli.terminal import say, show

__all__ = ["predict"]


@click.command(
    epilog="""\b
    Example:
      caffe2keras convert deploy.prototxt net.caffemodel -o net.h5 \\
          --mean 104,117,123 --channel-order rgb
      caffe2keras predict net.h5 cat.jpg --labels synset_words.txt
    """,
)
@click.argument("model", type=FILE)
@click.argument("images", type=FILE, nargs=-1, required=True)
@click.option("--labels", type=FILE, help="The classes' names, one a line.")
@click.option(
    "--top", type=click.IntRange(1), default=5, show_default=True, help="How many classes to show."
)
@plugin_options
@json_option
def predict(
    model: Path, images: Sequence[Path], labels: Path | None, top: int, as_json: bool
) -> int:
    """Classify pictures with a converted net.

    MODEL was written by convert, IMAGES are files. Pictures are prepared as the file says: with
    what was baked in, or else what the prototxt's transform_param said.
    """
    from caffe2keras.predict import classify, read_labels

    names = read_labels(labels) if labels else ()
    guesses = classify(
        model, images, labels=names, top=top, tell=lambda note: None if as_json else say(str(note))
    )
    if as_json:
        answers = [
            {"image": str(image), "classes": [asdict(guess) for guess in found]}
            for image, found in zip(images, guesses, strict=True)
        ]
        show(json.dumps(answers, indent=2))
        return 0
    for image, found in zip(images, guesses, strict=True):
        show(f"{image}")
        for guess in found:
            show(_line(guess))
    return 0


def _line(guess: Any) -> str:
    return f"  {guess.score:9.4f}  {guess.label or f'class {guess.index}'}"
