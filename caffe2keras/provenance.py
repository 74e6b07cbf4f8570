"""The part of a converted file's record that a conversion is told before it begins.

It stands apart from the rest, which only readers of files need, so that a conversion of a small
net does not spend a twentieth of its time on importing that.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PluginRecord", "PreprocessingRecord", "Source", "Sources"]


@dataclass(frozen=True)
class Source:
    """A file that the model was made from."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Sources:
    """Both files; ``weights`` is None for a net that was converted without."""

    prototxt: Source
    weights: Source | None


@dataclass(frozen=True)
class PreprocessingRecord:
    """How pictures become the blob: ``(picture - mean) * scale``.

    Attributes:
        blob: Caffe's name of the input.
        mean: of each channel, in the net's order; () where it is an image.
        mean_file: that image's name, or "".
        scale: a factor.
        channel_order: of the pictures; Caffe's nets take "bgr".
        resize: (height, width) of a picture before the net's size is cut out of its middle.
        layers: the layers of the model that do all this; () where it is left to the user.
    """

    blob: str
    mean: tuple[float, ...]
    mean_file: str
    scale: float
    channel_order: str
    resize: tuple[int, ...]
    layers: tuple[str, ...]


@dataclass(frozen=True)
class PluginRecord:
    """A plugin that has mapped a layer of the net.

    Attributes:
        name: of its file, or of its module where that is importable; never a path.
        sha256: of its source; "" where it had none.
        layers: the Keras layers of its own that the model has, as ``package>Class``.
    """

    name: str
    sha256: str
    layers: tuple[str, ...]
