"""What a conversion answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caffe2keras.graph.net import Note

__all__ = ["ConversionReport"]


@dataclass(frozen=True)
class ConversionReport:
    """What a conversion did.

    Attributes:
        output: the file written.
        model: the file that ``verify`` and ``load_model`` take: the same, or the one with the
            weights beside Python source.
        net_name: Caffe's name of the net.
        layers: how many Keras layers the model has.
        parameters: how many numbers it has learned.
        notes: what was dropped, filled or decided, in order.
        static_batch: the batch size where the net ties it down, else None.
        seconds: how long it took.
    """

    output: Path
    model: Path
    net_name: str
    layers: int
    parameters: int
    notes: tuple[Note, ...]
    static_batch: int | None
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        notes = [
            {"kind": note.kind, "subject": note.subject, "text": note.text} for note in self.notes
        ]
        return {
            "output": str(self.output),
            "net": self.net_name,
            "layers": self.layers,
            "parameters": self.parameters,
            "static_batch": self.static_batch,
            "seconds": round(self.seconds, 3),
            "notes": notes,
        }
