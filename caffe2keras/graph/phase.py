"""Which layers a net has in a given state: the include and exclude rules (net.cpp: FilterNet)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from caffe2keras.errors import GraphError
from caffe2keras.graph.net import Note

if TYPE_CHECKING:
    from caffe2keras.proto.caffe_pb2 import LayerParameter, NetParameter, NetStateRule

__all__ = [
    "TEST",
    "TRAIN",
    "NetState",
    "Phase",
    "is_included",
    "keep_measures",
    "meets",
    "note_layers_in_training",
    "select_layers",
]

Phase = Literal["TRAIN", "TEST"]


@dataclass(frozen=True)
class NetState:
    """The state that a net is built in.

    Attributes:
        phase: "TRAIN" or "TEST".
        level: compared with ``min_level`` and ``max_level``.
        stages: compared with ``stage`` and ``not_stage``.
    """

    phase: Phase = "TEST"
    level: int = 0
    stages: tuple[str, ...] = ()

    def __str__(self) -> str:
        """As messages call it: ``phase TEST, level 0, no stage``."""
        stages = f"stages {', '.join(self.stages)}" if self.stages else "no stage"
        return f"phase {self.phase}, level {self.level}, {stages}"


TEST = NetState()
TRAIN = NetState(phase="TRAIN")

# The layers that compute something else while they are trained.
_PHASED = frozenset({"BatchNorm", "Dropout"})


def meets(state: NetState, rule: NetStateRule) -> bool:
    """Whether a state meets every condition of a rule; an empty rule is met by all."""
    return (
        (not rule.HasField("phase") or _phase(rule) == state.phase)
        and (not rule.HasField("min_level") or state.level >= rule.min_level)
        and (not rule.HasField("max_level") or state.level <= rule.max_level)
        and all(stage in state.stages for stage in rule.stage)
        and not any(stage in state.stages for stage in rule.not_stage)
    )


def is_included(layer: LayerParameter, state: NetState, source: str = "") -> bool:
    """Whether a layer belongs to the net in this state.

    Raises:
        GraphError: it has both include and exclude rules, which Caffe refuses.
    """
    if layer.include and layer.exclude:
        raise GraphError(
            what=f'layer "{layer.name}" ({layer.type}) has both include and exclude rules',
            where=f"{source}:{layer.source_line}",
            why="a layer is either kept by include or dropped by exclude; Caffe refuses both",
            hint="keep one of the two",
        )
    if layer.include:
        return any(meets(state, rule) for rule in layer.include)
    return not any(meets(state, rule) for rule in layer.exclude)


def select_layers(
    net: NetParameter, state: NetState, source: str = ""
) -> tuple[list[LayerParameter], list[LayerParameter]]:
    """The layers that belong to the net in this state, and those that do not, each in order.

    Stages that the net itself names count as well; its own phase and level give way to the
    state's, as in Caffe's constructor from a file (net.cpp: Net::Net).
    """
    state = replace(state, stages=(*net.state.stage, *state.stages))
    kept: list[LayerParameter] = []
    left_out: list[LayerParameter] = []
    for layer in net.layer:
        (kept if is_included(layer, state, source) else left_out).append(layer)
    return kept, left_out


def keep_measures(net: NetParameter, state: NetState) -> NetParameter:
    """The net with the accuracies that its TEST phase measures, whatever phase it is built in.

    Keras measures one model in training and in testing alike. Those stay out that read what only
    the TEST phase has, or whose top has the name of another.
    """
    kept, left_out = select_layers(net, state)
    names = {top for layer in kept for top in layer.top}
    wanted = [
        layer.name
        for layer in left_out
        if layer.type == "Accuracy" and is_included(layer, replace(state, phase="TEST"))
        if names.issuperset(layer.bottom) and names.isdisjoint(layer.top)
    ]
    if not wanted:
        return net
    copy = type(net)()
    copy.CopyFrom(net)
    for layer in copy.layer:
        if layer.type == "Accuracy" and layer.name in wanted:
            layer.ClearField("include")
            layer.ClearField("exclude")
    return copy


def note_layers_in_training(layers: Sequence[LayerParameter], state: NetState) -> tuple[Note, ...]:
    """A note on layers that state ``phase: TRAIN`` of themselves in a net for testing.

    Every layer of a caffemodel does; in a prototxt made of one, Caffe would drop units and
    normalize by batches while predicting (net.cpp inherits the net's phase only where none is set).
    """
    names = [
        layer.name
        for layer in layers
        if layer.type in _PHASED and layer.HasField("phase") and layer.phase != 1
    ]
    if state.phase != "TEST" or not names:
        return ()
    text = "stated in " + ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return (Note("decided", "phase: TRAIN", f"{text}; converted as in phase TEST all the same"),)


def _phase(rule: NetStateRule) -> str:
    # caffe.proto: enum Phase { TRAIN = 0; TEST = 1; }
    return "TEST" if rule.phase == 1 else "TRAIN"
