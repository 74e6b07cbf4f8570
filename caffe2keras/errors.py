"""Everything that can go wrong, as one family.

::

    Caffe2KerasError                        1   the root; also "this should not have happened"
    ├── InputError                          3   the files are at fault
    │   ├── PrototxtError                       the prototxt does not parse (file, line, column)
    │   ├── CaffemodelError                     truncated, empty, or not a caffemodel
    │   ├── PluginError                         a plugin that cannot be loaded, or fails at its work
    │   ├── BlobFileError                       reference blobs that cannot be read
    │   ├── ManifestError                       a list of nets that cannot be followed
    │   └── WeightsMismatchError                prototxt and caffemodel disagree (all at once)
    ├── GraphError                          4   the net is not well formed
    │   ├── UnknownBlobError                    a bottom that nobody produces
    │   ├── DuplicateBlobError                  a top produced twice, not in place
    │   ├── CycleError                          a net whose layers wait for each other
    │   ├── NetSpecError                        a program for NetSpec asks for what there is not
    │   └── ShapeError                          a layer's input cannot have this shape
    ├── UnsupportedError                    5   valid Caffe, but there is no Keras for it
    │   ├── UnsupportedLayersError              all of them at once, counted, each with a reason
    │   ├── UnsupportedFieldError               layer, field, value
    │   └── UnsupportedCombinationError         each field fine, together not
    ├── EmitError                           6   the target cannot be written
    ├── BackendError                        1   no Keras backend could be loaded
    ├── WorkerError                         1   a process of a batch that crashed, or was stopped
    └── VerificationError                   7   the outputs differ

Usage errors end in exit code 2 and are the command line's own. ``AssertionError`` is a bug of
ours and is never caught.

Every error knows *where* (file, line, layer), *why*, and a *hint* of what to try. They are
keyword-only and cross process boundaries whole.
"""

from __future__ import annotations

from typing import Any, ClassVar

from caffe2keras.legible import visible

__all__ = [
    "BackendError",
    "BlobFileError",
    "Caffe2KerasError",
    "CaffemodelError",
    "CycleError",
    "DuplicateBlobError",
    "EmitError",
    "GraphError",
    "InputError",
    "ManifestError",
    "NetSpecError",
    "PluginError",
    "PrototxtError",
    "ShapeError",
    "UnknownBlobError",
    "UnsupportedCombinationError",
    "UnsupportedError",
    "UnsupportedFieldError",
    "UnsupportedLayersError",
    "VerificationError",
    "WeightsMismatchError",
    "WorkerError",
]


class Caffe2KerasError(Exception):
    """The root of the family.

    Args:
        what: the fault in one clause, with the offending name and value.
        where: the address: a file, ``file:line:column``, or a layer; may be empty.
        why: the reason, a sentence; may be empty.
        hint: what to try; may be empty.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, *, what: str, where: str = "", why: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        """The message: at most one line each for what, where, why and what to try.

        Names in it come from files of strangers: what a terminal would obey is written out.
        """
        lines = [self.what]
        lines += [f"  in: {self.where}"] if self.where else []
        lines += [f"  why: {self.why}"] if self.why else []
        lines += [f"  try: {self.hint}"] if self.hint else []
        return "\n".join(map(visible, lines))

    def located(self, where: str) -> Caffe2KerasError:
        """The same error with an address, if it has none yet."""
        if not self.where:
            self.where = where
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call the class with positional arguments, which it refuses; batch
        # workers send their errors home by pickle.
        return _rebuild, (type(self), self.__dict__)


def _rebuild(kind: type[Caffe2KerasError], state: dict[str, Any]) -> Caffe2KerasError:
    error = kind.__new__(kind)
    Exception.__init__(error, state["what"])
    error.__dict__.update(state)
    return error


class InputError(Caffe2KerasError):
    """A file is missing, unreadable or not what it should be."""

    exit_code: ClassVar[int] = 3


class PrototxtError(InputError):
    """The prototxt does not parse; ``where`` is ``file:line:column``."""


class CaffemodelError(InputError):
    """The weights file is truncated, empty, or no caffemodel at all."""


class BlobFileError(InputError):
    """A file of reference blobs cannot be read, or holds none."""


class ManifestError(InputError):
    """A manifest does not say what it should; ``where`` is the file and the key in it."""


class PluginError(InputError):
    """A plugin cannot be loaded, or what it registered fails; ``where`` is its file and line."""


class WeightsMismatchError(InputError):
    """Prototxt and caffemodel disagree; ``mismatches`` names every place, one line each."""

    def __init__(
        self,
        *,
        what: str,
        where: str = "",
        why: str = "",
        hint: str = "",
        mismatches: tuple[str, ...] = (),
    ) -> None:
        super().__init__(what=what, where=where, why=why, hint=hint)
        self.mismatches = mismatches

    def __str__(self) -> str:
        """The message with one indented line for each mismatch."""
        head, *rest = super().__str__().split("\n")
        return "\n".join([head, *(f"  - {visible(line)}" for line in self.mismatches), *rest])


class GraphError(Caffe2KerasError):
    """The net is not well formed."""

    exit_code: ClassVar[int] = 4


class UnknownBlobError(GraphError):
    """A layer reads a blob that no layer before it produces."""


class DuplicateBlobError(GraphError):
    """Two layers produce the same top and the second does not work in place."""


class CycleError(GraphError):
    """Layers wait for each other's outputs."""


class NetSpecError(GraphError, AttributeError, KeyError, TypeError):
    """A program for NetSpec names a parameter, constant or blob that does not exist, or misuses it.

    pycaffe raises one of the three others in its place; a script that catches those still does.
    """


class ShapeError(GraphError):
    """A layer cannot take inputs of these shapes."""


class UnsupportedError(Caffe2KerasError):
    """Valid Caffe that has no counterpart in Keras."""

    exit_code: ClassVar[int] = 5


class UnsupportedLayersError(UnsupportedError):
    """Layers that cannot be converted, all of them; ``refusals`` has one line for each cause."""

    def __init__(
        self,
        *,
        what: str,
        where: str = "",
        why: str = "",
        hint: str = "",
        refusals: tuple[str, ...] = (),
    ) -> None:
        super().__init__(what=what, where=where, why=why, hint=hint)
        self.refusals = refusals

    def __str__(self) -> str:
        """The message with one indented line for each refusal."""
        head, *rest = super().__str__().split("\n")
        return "\n".join([head, *(f"  - {visible(line)}" for line in self.refusals), *rest])


class UnsupportedFieldError(UnsupportedError):
    """A parameter was set that nothing honours."""


class UnsupportedCombinationError(UnsupportedError):
    """Each parameter could be honoured, but not together."""


class EmitError(Caffe2KerasError):
    """The target cannot be written."""

    exit_code: ClassVar[int] = 6


class BackendError(Caffe2KerasError):
    """No Keras backend could be loaded."""


class WorkerError(Caffe2KerasError):
    """The process that worked on a net crashed, or was stopped at its limit of time or memory."""


class VerificationError(Caffe2KerasError):
    """The converted net's numbers differ from the reference."""

    exit_code: ClassVar[int] = 7
