"""LSTMs of two dimensions, which see an image's pixels in the order of a scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe2keras.runtime.base_mdlstm import (
    CELLS,
    CellWeights,
    ScanningLSTM,
    channels_last,
    from_channels_last,
)
from caffe2keras.runtime.dialect import keras, ops, zip
from caffe2keras.runtime.spatial import channel_axis
from caffe2keras.runtime.through_time import Shape, Tensor

__all__ = ["MDLSTM", "MultiDirectionalLSTM"]

# What each scan is called, and where it goes along y and x.
_DIRECTIONS = {
    "down_right": (1, 1),
    "down_left": (1, -1),
    "up_right": (-1, 1),
    "up_left": (-1, -1),
}


@keras.saving.register_keras_serializable(package="caffe2keras")
class MDLSTM(ScanningLSTM):
    """A two-dimensional LSTM: one scan, from one corner of the image to the opposite one.

    Every pixel sees what its two neighbours put out that the scan has passed, above and to the
    left of it for the direction (1, 1); what lies outside of the image is zero. With the input x,
    the neighbours' h and c, and sigma and tanh for the two activations, the cell ``"graves"``
    (A. Graves, S. Fernandez, J. Schmidhuber, arXiv 0705.2011) is, peepholes p in brackets::

        i   = sigma(x W_i  + h_y U_y,i  + h_x U_x,i  + b_i  [+ p_i (c_y + c_x)])
        f_y = sigma(x W_fy + h_y U_y,fy + h_x U_x,fy + b_fy [+ p_fy c_y])
        f_x = sigma(x W_fx + h_y U_y,fx + h_x U_x,fx + b_fx [+ p_fx c_x])
        g   = tanh (x W_g  + h_y U_y,g  + h_x U_x,g  + b_g)
        c   = i g + f_y c_y + f_x c_x
        o   = sigma(x W_o  + h_y U_y,o  + h_x U_x,o  + b_o  [+ p_o c])
        h   = o tanh(c)

    and the cell ``"stable"``, the leaky one of G. Leifert and others (JMLR 17, 2016) with a gate
    lambda that weighs the neighbours, and peepholes that are ours::

        f, lambda, o = sigma(...);  m = lambda c_y + (1 - lambda) c_x
        c   = f m + (1 - f) g                       [f sees p_f m, o sees p_o c]

    All pixels of an anti-diagonal are computed at once: H + W - 1 steps instead of H W. An image
    of one row is an ordinary LSTM of the blocks i, f_x, g, o. Dropout belongs between layers,
    never on h here: put a ``keras.layers.Dropout`` behind.

    Args:
        units: U; this and all others as in :class:`ScanningLSTM`.
        direction: where the scan goes along y and x, 1 or -1 each.
        return_cells: whether c is returned too.

    Input shape:
        (N, H, W, C), or (N, C, H, W). H and W may be unknown, but not with ``unroll`` and not on
        OpenVINO. A mask is (N, H, W) in either format: a pixel where it is False counts as outside
        of the image, so that padded images give what they give without padding.

    Output shape:
        (N, H, W, U), or (N, U, H, W), zero where masked; with ``return_cells`` a list of h and c.

    Weights:
        ``kernel`` (C, F), ``recurrent_kernel_y`` (U, F), ``recurrent_kernel_x`` (U, F), ``bias``
        (F,), ``peephole`` (4, U) or (2, U), where F is 5 U for the blocks i, f_y, f_x, g, o or
        4 U for f, lambda, g, o; the peepholes in that order, without those that have none.

    Example:
        >>> MDLSTM(4)(keras.ops.ones((2, 5, 7, 3))).shape
        (2, 5, 7, 4)
    """

    def __init__(
        self,
        units: int,
        direction: Sequence[int] = (1, 1),
        return_cells: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        if tuple(direction) not in _DIRECTIONS.values():
            raise ValueError(
                f"`direction` must be two of 1 and -1. Received: direction={direction}"
            )
        self.direction = (int(direction[0]), int(direction[1]))
        self.return_cells = bool(return_cells)

    def build(self, input_shape: Shape) -> None:
        """The kernels of input and neighbours, the bias and the peepholes.

        Raises:
            ValueError: the input is not a batch of images with a known number of channels.
        """
        features = self._image_features(input_shape)
        blocks, seeing = CELLS[self.cell]
        width = len(blocks) * self.units
        self.kernel = self._add("kernel", (features, width), "kernel")
        self.recurrent_kernel_y = self._add("recurrent_kernel_y", (self.units, width), "recurrent")
        self.recurrent_kernel_x = self._add("recurrent_kernel_x", (self.units, width), "recurrent")
        self.bias = self._add("bias", (width,), "bias") if self.use_bias else None
        self.peephole = (
            self._add("peephole", (len(seeing), self.units), "peephole") if self.peepholes else None
        )
        self.built = True

    def _add(self, name: str, shape: tuple[int, ...], kind: str) -> keras.Variable:
        forgetful = kind == "bias" and self.unit_forget_bias
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=self._open_gates if forgetful else getattr(self, f"{kind}_initializer"),
            regularizer=getattr(self, f"{kind}_regularizer"),
            constraint=getattr(self, f"{kind}_constraint"),
        )

    def _open_gates(self, shape: tuple[int, ...], dtype: Any = None) -> Tensor:
        """The bias to begin with, 1 for every forget gate."""
        blocks = ops.split(self.bias_initializer(shape, dtype=dtype), len(CELLS[self.cell][0]))
        return ops.concatenate(
            [
                ops.ones_like(block) if name.startswith("f") else block
                for name, block in zip(CELLS[self.cell][0], blocks, strict=True)
            ]
        )

    def weights_of_the_scan(self) -> CellWeights:
        """The weights as the scan takes them."""
        both = ops.concatenate([self.recurrent_kernel_y, self.recurrent_kernel_x])
        # As tensors: TensorFlow does not stack Keras's variables.
        bias, peephole = (None if one is None else one.value for one in (self.bias, self.peephole))
        return CellWeights(self.kernel.value, both, bias, peephole)

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Any:
        """The h of every pixel, and c if asked for."""
        image = _mirrored(channels_last(inputs, self.data_format), self.direction)
        masks = [] if mask is None else [_mirrored(mask, self.direction)]
        h, c = (
            from_channels_last(_mirrored(one[0], self.direction), self.data_format)
            for one in self._scan([image], [self.weights_of_the_scan()], masks)
        )
        return [h, c] if self.return_cells else h

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask it was given."""
        return [mask, mask] if self.return_cells else mask

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """The input's, with U channels; twice with ``return_cells``."""
        shape = self._image_shape(input_shape, self.units)
        return [shape, shape] if self.return_cells else shape

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        own = {"direction": list(self.direction), "return_cells": self.return_cells}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="caffe2keras")
class MultiDirectionalLSTM(ScanningLSTM):
    """Four two-dimensional LSTMs, one from each corner, so that every pixel sees the whole image.

    Each direction is an :class:`MDLSTM` on the mirrored image, its output mirrored back: pixel
    (y, x) of the output belongs to pixel (y, x) of the input in all four. They go towards lower
    right, lower left, upper right, upper left, side by side in one run of H + W - 1 steps.

    This is not four LSTMs along rows and columns: that is :class:`ReNet`.

    Args:
        units: U, of each direction; this and all others as in :class:`ScanningLSTM`. An
            initializer with a seed starts all four directions alike.
        merge: ``"sum"``, ``"concat"`` along the channels, or ``"list"``, which leaves the four
            apart.
        tied: whether the four share one set of weights.

    Input shape:
        (N, H, W, C), or (N, C, H, W), with a mask or not, as in :class:`MDLSTM`.

    Output shape:
        (N, H, W, U), or (N, U, H, W); 4 U channels with ``"concat"``; a list of four with
        ``"list"``.

    Weights:
        those of :class:`MDLSTM`, four times, or once if ``tied``.

    Example:
        >>> MultiDirectionalLSTM(4, merge="concat")(keras.ops.ones((2, 5, 7, 3))).shape
        (2, 5, 7, 16)
    """

    def __init__(self, units: int, merge: str = "sum", tied: bool = False, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        if merge not in ("sum", "concat", "list"):
            raise ValueError(
                f"`merge` must be 'sum', 'concat' or 'list'. Received: merge={merge!r}"
            )
        self.merge = merge
        self.tied = bool(tied)
        options = ScanningLSTM.get_config(self)
        options = {**options, "dtype": self.dtype_policy}
        names = ["every_direction"] if self.tied else list(_DIRECTIONS)
        self.scans = [MDLSTM(**{**options, "name": name}) for name in names]

    def build(self, input_shape: Shape) -> None:
        """The weights of every direction."""
        for scan in self.scans:
            scan.build(input_shape)
        self.built = True

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Any:
        """What the four directions put out, merged."""
        images = channels_last(inputs, self.data_format)
        directions = list(_DIRECTIONS.values())
        weights = [scan.weights_of_the_scan() for scan in self.scans]
        h, _ = self._scan(
            [_mirrored(images, one) for one in directions],
            weights * len(directions) if self.tied else weights,
            [] if mask is None else [_mirrored(mask, one) for one in directions],
        )
        return self._merged(
            [
                from_channels_last(_mirrored(h[k], one), self.data_format)
                for k, one in enumerate(directions)
            ]
        )

    def _merged(self, outputs: list[Tensor]) -> Any:
        if self.merge == "concat":
            return ops.concatenate(outputs, axis=channel_axis(4, self.data_format))
        first, second, third, fourth = outputs
        return (first + second) + (third + fourth) if self.merge == "sum" else outputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask it was given, for every output."""
        return [mask] * len(_DIRECTIONS) if self.merge == "list" else mask

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """The input's, with the channels that the merging leaves."""
        count = len(_DIRECTIONS)
        if self.merge == "list":
            return [self._image_shape(input_shape, self.units)] * count
        channels = self.units * (count if self.merge == "concat" else 1)
        return self._image_shape(input_shape, channels)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "merge": self.merge, "tied": self.tied}


def _mirrored(x: Tensor, direction: tuple[int, int]) -> Tensor:
    """(N, H, W, ...) so turned that the scan in this direction goes to the lower right."""
    axes = [axis for axis, way in enumerate(direction, start=1) if way < 0]
    return ops.flip(x, axis=axes) if axes else x
