"""Net, Layer, Blob, Weight: what a Caffe net is, without protobuf.

Every blob is assigned once: a layer that works in place reads version *v* of a blob and produces
version *v + 1* of the same name. Layers stand in the prototxt's order, which Caffe demands to be
an order of execution.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from caffe2keras.errors import ShapeError
from caffe2keras.legible import visible
from caffe2keras.params import Params

__all__ = ["Blob", "Layer", "Net", "Note", "Shape", "Weight"]

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Blob:
    """One value that flows through the net.

    Attributes:
        name: Caffe's name; in-place layers share it.
        version: 0 as first produced, one more after each in-place layer.
        dims: the shape in Caffe's axis order, batch included; None where a layer that we do not
            know stands before it.
    """

    name: str
    version: int = 0
    dims: Shape | None = None

    @property
    def shape(self) -> Shape:
        """The shape in Caffe's axis order; raises :class:`ShapeError` where it is unknown."""
        if self.dims is None:
            raise ShapeError(what=f'the shape of blob "{self.name}" is unknown')
        return self.dims

    @property
    def key(self) -> tuple[str, int]:
        """What tells this blob from every other one of the net."""
        return self.name, self.version


@dataclass(frozen=True)
class Weight:
    """One learned array of a layer.

    Attributes:
        owner: the layer whose array this is; another layer's name where it is shared.
        index: the array's place among the owner's blobs.
        shape: in Caffe's axis order.
        data: the numbers, float32, usually a view into the mapped weights file; None only before
            weights are attached.
        lr_mult: Caffe's multiplier of the learning rate.
        decay_mult: Caffe's multiplier of the weight decay.
        param_name: the name under which layers share it, or "".
        filled: how it was filled when the weights file does not have it, or "".
    """

    owner: str
    index: int
    shape: Shape
    data: npt.NDArray[np.float32] | None = field(default=None, compare=False, repr=False)
    lr_mult: float = 1.0
    decay_mult: float = 1.0
    param_name: str = ""
    filled: str = ""

    @property
    def array(self) -> npt.NDArray[np.float32]:
        """The numbers in Caffe's axis order."""
        if self.data is None:
            raise ShapeError(what=f'layer "{self.owner}" has no numbers for its blob {self.index}')
        return self.data


@dataclass(frozen=True)
class Layer:
    """One layer of the net.

    Attributes:
        name: Caffe's name.
        type: Caffe's type, as the current schema spells it.
        params: its LayerParameter, read-tracking.
        bottoms: what it reads.
        tops: what it produces.
        weights: its learned arrays, in Caffe's order.
        where: ``file:line`` of its text, for messages.
        absorbed: layers whose work this one does too (a Scale behind a BatchNorm).
        keeps_state: whether it shall go on from where the pass before ended, as Caffe lets it.
    """

    name: str
    type: str
    params: Params
    bottoms: tuple[Blob, ...] = ()
    tops: tuple[Blob, ...] = ()
    weights: tuple[Weight, ...] = ()
    where: str = ""
    absorbed: tuple[Layer, ...] = ()
    keeps_state: bool = False

    def __str__(self) -> str:
        """As messages call it: ``layer "conv1" (Convolution)``."""
        return f'layer "{self.name}" ({self.type})'


@dataclass(frozen=True)
class Note:
    """Something that was dropped, approximated or decided, to be told to the user.

    Attributes:
        kind: "dropped", "decided", "filled", "left over", ...
        subject: a layer, field or file, by name.
        text: what happened and why, one sentence.
    """

    kind: str
    subject: str
    text: str

    def __str__(self) -> str:
        """One line, fit for a terminal whatever the net's names are."""
        return visible(f"{self.kind}: {self.subject}: {self.text}")


@dataclass(frozen=True)
class Net:
    """A whole net.

    Attributes:
        name: Caffe's name, may be "".
        layers: in order of execution. Layers of type "Input" stand for whatever feeds the net.
        outputs: the blobs that nobody reads, in order of production.
        notes: what was said on the way here.
        aliases: names of blobs that are gone, each with the blob that holds the same numbers.
        heads: the tops of the losses and accuracies whose labels are no inputs of the model but
            what it is trained against; none in a net that predicts.
        is_training: whether the losses are kept.
        lost: keys of blobs that layers write over which the net was cut off from.
    """

    name: str
    layers: tuple[Layer, ...]
    outputs: tuple[Blob, ...]
    notes: tuple[Note, ...] = ()
    aliases: tuple[tuple[str, Blob], ...] = ()
    heads: tuple[tuple[str, int], ...] = ()
    is_training: bool = False
    lost: frozenset[tuple[str, int]] = frozenset()

    @property
    def inputs(self) -> tuple[Blob, ...]:
        """The blobs that must be fed, in order."""
        return tuple(top for layer in self.layers if layer.type == "Input" for top in layer.tops)
