"""The support table, read off the mappings themselves."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

from caffe2keras.graph.training import is_head_type
from caffe2keras.layer_map.refused import REFUSED
from caffe2keras.layer_map.registry import ENTRIES, mappings
from caffe2keras.registry import plugin_name

__all__ = ["SupportRow", "is_settled_before", "support_table"]

# Types that never reach a mapping: data layers become inputs (graph.sources), Split gives its tops
# their bottom (passes.splits), heads of training are dropped (passes.training).
_INPUT = ("exact", "InputLayer", "label tops that no layer needs are dropped")
_PREDICTS = (
    "the loss is dropped with its labels, what predicts stays; kept for Keras 3 in phase TRAIN as "
)


def _measure(kept_as: str) -> tuple[str, str, str]:
    text = "it only measures, and goes with the labels that only it reads"
    return "dropped", "", f"{text}; kept for Keras 3 in phase TRAIN as {kept_as}"


_HEAD = ("dropped", "", "it only measures; with the labels that only it reads")
_KEPT = (
    "ContrastiveLoss",
    "EuclideanLoss",
    "HingeLoss",
    "MultinomialLogisticLoss",
    "SmoothL1Loss",
)
_BEFORE_THE_MAP = {
    "Input": ("exact", "InputLayer", ""),
    **dict.fromkeys(("Data", "ImageData", "HDF5Data", "MemoryData", "WindowData"), _INPUT),
    **dict.fromkeys(("AnnotatedData", "DenseImageData", "VideoData"), _INPUT),
    "Split": ("exact", "nothing at all", ""),
    **dict.fromkeys(("HDF5Output", "MultiBoxLoss", "Silence"), _HEAD),
    "Accuracy": _measure("SparseCategoricalAccuracy or caffe2keras>Accuracy"),
    **{kind: _measure(f"caffe2keras>{kind}") for kind in _KEPT},
    "SoftmaxWithLoss": (
        "dropped",
        "Softmax",
        _PREDICTS + "SparseCategoricalCrossentropy or caffe2keras>SoftmaxWithLoss",
    ),
    "InfogainLoss": ("dropped", "Softmax", _PREDICTS + "caffe2keras>InfogainLoss"),
    "SigmoidCrossEntropyLoss": (
        "dropped",
        'Activation("sigmoid")',
        _PREDICTS + "BinaryCrossentropy or caffe2keras>SigmoidCrossEntropyLoss",
    ),
}

_SECTION = re.compile(r"^(Caffe|Keras|Differs|Refuses|Source) {1,6}(.*)$")


@dataclass(frozen=True)
class SupportRow:
    """One Caffe type and what becomes of it.

    Attributes:
        caffe_type: as the prototxt spells it.
        status: "exact", "dropped" or "refused"; "plugin" for what a plugin maps.
        keras: the Keras layers, in words.
        note: what differs, what is refused, or why.
    """

    caffe_type: str
    status: str
    keras: str
    note: str


def support_table() -> tuple[SupportRow, ...]:
    """Every known type, by name."""
    rows = [SupportRow(kind, *cells) for kind, cells in _BEFORE_THE_MAP.items()]
    rows += [
        _mapped(kind, _sections(inspect.getdoc(entry.mapper) or ""))
        for kind, entry in mappings().items()
    ]
    rows += [
        SupportRow(kind, "refused", "", why)
        for kind, (why, _) in REFUSED.items()
        if kind not in mappings()
    ]
    return tuple(sorted(rows, key=lambda row: row.caffe_type.casefold()))


def is_settled_before(kind: str) -> bool:
    """Whether layers of a type are gone before a mapping is asked for."""
    return kind in _BEFORE_THE_MAP or is_head_type(kind)


def _mapped(kind: str, sections: dict[str, str]) -> SupportRow:
    origin = ENTRIES.origin(kind)
    notes = [
        f"by the plugin {plugin_name(origin)}" if origin else "",
        sections.get("Differs", ""),
        _prefixed("refuses ", sections.get("Refuses", "")),
    ]
    # Whether a plugin is exact is its author's to say and the oracle's to prove.
    status = "plugin" if origin else "exact"
    return SupportRow(
        kind, status, sections.get("Keras", ""), "; ".join(note for note in notes if note)
    )


def _prefixed(prefix: str, text: str) -> str:
    return prefix + text if text else ""


def _sections(docstring: str) -> dict[str, str]:
    """The lines "Caffe …", "Keras …", "Differs …", "Refuses …", continuation lines joined."""
    sections: dict[str, str] = {}
    current = ""
    for line in docstring.splitlines():
        match = _SECTION.match(line)
        if match:
            current = match[1]
            sections[current] = match[2].strip()
        elif current and line.startswith(" "):
            sections[current] += " " + line.strip()
        else:
            current = ""
    return sections
