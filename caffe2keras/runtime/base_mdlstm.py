"""What the two-dimensional LSTMs share: the cell, its weights and its options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from caffe2keras.runtime.diagonals import run_along_diagonals
from caffe2keras.runtime.dialect import LayerOfKeras3, keras, ops, zip
from caffe2keras.runtime.spatial import channel_axis, resolve_data_format
from caffe2keras.runtime.through_time import Shape, Tensor

__all__ = ["CELLS", "CellWeights", "ScanningLSTM", "channels_last", "from_channels_last"]

# The blocks of U columns in every weight, in order, and which of them have a peephole.
CELLS = {
    "graves": (("i", "f_y", "f_x", "g", "o"), ("i", "f_y", "f_x", "o")),
    "stable": (("f", "lambda", "g", "o"), ("f", "o")),
}


class CellWeights(NamedTuple):
    """The weights of K scans side by side, or of one without the axis K.

    Attributes:
        kernel: (K, C, F).
        recurrent_kernel: (K, 2 U, F), the rows for h_y before those for h_x.
        bias: (K, F), or None.
        peephole: (K, P, U), or None.
    """

    kernel: Tensor
    recurrent_kernel: Tensor
    bias: Tensor | None
    peephole: Tensor | None


class ScanningLSTM(LayerOfKeras3):
    """The options of an LSTM that scans images, and its cell.

    Args:
        units: U.
        cell: ``"graves"``, with a forget gate for each of the two neighbours, or ``"stable"``,
            whose cell is a mean of what it is made of and so cannot grow.
        activation: of candidate and output.
        recurrent_activation: of the gates.
        use_bias: whether the gates have a bias.
        peepholes: whether the gates see the cell.
        unit_forget_bias: whether the forget gates' biases start at 1. By default they do not:
            two gates that are more than half open make a cell grow from pixel to pixel.
        kernel_initializer: of what the input is multiplied by.
        recurrent_initializer: of what each neighbour's h is multiplied by.
        bias_initializer: of the bias.
        peephole_initializer: of the peepholes.
        kernel_regularizer: of what the input is multiplied by.
        recurrent_regularizer: of what each neighbour's h is multiplied by.
        bias_regularizer: of the bias.
        peephole_regularizer: of the peepholes.
        kernel_constraint: on what the input is multiplied by.
        recurrent_constraint: on what each neighbour's h is multiplied by.
        bias_constraint: on the bias.
        peephole_constraint: on the peepholes.
        unroll: whether the steps are written out, which needs height and width to be known. On
            TensorFlow ``jit_compile`` needs it.
        data_format: ``"channels_last"`` or ``"channels_first"``; Keras's configured one if None.
    """

    def __init__(
        self,
        units: int,
        cell: str = "graves",
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        peepholes: bool = False,
        unit_forget_bias: bool = False,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        peephole_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        peephole_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        peephole_constraint: Any = None,
        unroll: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"`units` must be at least 1. Received: units={units}")
        if cell not in CELLS:
            raise ValueError(f"`cell` must be one of {list(CELLS)}. Received: cell={cell!r}")
        self.units = int(units)
        self.cell = cell
        self.activation = keras.activations.get(activation)
        self.recurrent_activation = keras.activations.get(recurrent_activation)
        self.use_bias = bool(use_bias)
        self.peepholes = bool(peepholes)
        self.unit_forget_bias = bool(unit_forget_bias)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.peephole_initializer = keras.initializers.get(peephole_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = keras.regularizers.get(recurrent_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.peephole_regularizer = keras.regularizers.get(peephole_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.recurrent_constraint = keras.constraints.get(recurrent_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self.peephole_constraint = keras.constraints.get(peephole_constraint)
        self.unroll = bool(unroll)
        self.data_format = resolve_data_format(data_format)
        self.supports_masking = True
        # The gradient of TensorFlow's loop is beyond XLA; Keras then compiles without it.
        self.supports_jit = self.unroll or keras.backend.backend() != "tensorflow"

    def _scan(
        self, images: Sequence[Tensor], weights: Sequence[CellWeights], mask: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """H and c, (K, N, H, W, U), of K images (N, H, W, C) scanned towards the lower right.

        Args:
            images: one for each of the scans.
            weights: those of each scan.
            mask: (N, H, W) for each of the scans, or nothing.
        """
        kernel, recurrent, bias, peephole = (
            None if one[0] is None else ops.stack(one) for one in zip(*weights, strict=True)
        )
        driven = ops.einsum("knhwc,kcf->knhwf", ops.stack(images), kernel)
        if bias is not None:
            driven = driven + bias[:, None, None, None, :]
        if mask:
            inside = ops.cast(ops.expand_dims(ops.stack(mask), -1), driven.dtype)
        else:
            inside = ops.ones_like(driven[..., :1])
        seen = [] if peephole is None else [peephole[:, None, None, k] for k in range(self._eyes)]

        def step(
            z: Tensor, h_y: Tensor, h_x: Tensor, c_y: Tensor, c_x: Tensor
        ) -> tuple[Tensor, Tensor]:
            both = ops.concatenate([h_y, h_x], axis=-1)
            z = z + ops.einsum("knhu,kuf->knhf", both, recurrent)
            return self._advance(z, c_y, c_x, seen)

        return run_along_diagonals(step, driven, inside, self.units, unroll=self.unroll)

    def _image_features(self, input_shape: Shape) -> int:
        axis = channel_axis(4, self.data_format)
        features = input_shape[axis] if len(input_shape) == 4 else None
        if features is None:
            raise ValueError(
                "Expected images, 4 axes with the channels known. "
                f"Received: input_shape={input_shape}"
            )
        return features

    def _image_shape(self, input_shape: Shape, channels: int) -> Shape:
        shape = list(input_shape)
        shape[channel_axis(4, self.data_format)] = channels
        return tuple(shape)

    @property
    def _eyes(self) -> int:
        return len(CELLS[self.cell][1])

    def _advance(
        self, z: Tensor, c_y: Tensor, c_x: Tensor, peephole: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """The next h and c of the pre-activation and the two cells before."""
        count = len(CELLS[self.cell][0])
        blocks = [z[..., k * self.units : (k + 1) * self.units] for k in range(count)]
        advance = self._advance_graves if self.cell == "graves" else self._advance_stable
        c, o = advance(blocks, c_y, c_x, peephole)
        if peephole:
            o = o + peephole[-1] * c
        return self.recurrent_activation(o) * self.activation(c), c

    def _advance_graves(
        self, blocks: list[Tensor], c_y: Tensor, c_x: Tensor, peephole: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        i, f_y, f_x, g, o = blocks
        if peephole:
            i = i + peephole[0] * (c_y + c_x)
            f_y, f_x = f_y + peephole[1] * c_y, f_x + peephole[2] * c_x
        gate = self.recurrent_activation
        return gate(i) * self.activation(g) + gate(f_y) * c_y + gate(f_x) * c_x, o

    def _advance_stable(
        self, blocks: list[Tensor], c_y: Tensor, c_x: Tensor, peephole: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        f, share, g, o = blocks
        share = self.recurrent_activation(share)
        before = share * c_y + (1 - share) * c_x
        if peephole:
            f = f + peephole[0] * before
        f = self.recurrent_activation(f)
        return f * before + (1 - f) * self.activation(g), o

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        config = {**super().get_config(), "units": self.units, "cell": self.cell}
        for name in ("activation", "recurrent_activation"):
            config[name] = keras.activations.serialize(getattr(self, name))
        for name in ("use_bias", "peepholes", "unit_forget_bias", "unroll", "data_format"):
            config[name] = getattr(self, name)
        for module in ("initializer", "regularizer", "constraint"):
            serialize = getattr(keras, f"{module}s").serialize
            for name in ("kernel", "recurrent", "bias", "peephole"):
                config[f"{name}_{module}"] = serialize(getattr(self, f"{name}_{module}"))
        return config


def channels_last(images: Tensor, data_format: str) -> Tensor:
    """The images with their channels last."""
    return ops.transpose(images, (0, 2, 3, 1)) if data_format == "channels_first" else images


def from_channels_last(images: Tensor, data_format: str) -> Tensor:
    """The images with their channels where the data format has them."""
    return ops.transpose(images, (0, 3, 1, 2)) if data_format == "channels_first" else images
