"""ReNet: images read along columns, then along rows."""

from __future__ import annotations

from typing import Any

from caffe2keras.runtime.base_mdlstm import channels_last, from_channels_last
from caffe2keras.runtime.dialect import LayerOfKeras3, keras, ops
from caffe2keras.runtime.spatial import channel_axis, resolve_data_format
from caffe2keras.runtime.through_time import Shape, Tensor

__all__ = ["ReNet"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class ReNet(LayerOfKeras3):
    """Ordinary LSTMs along every column, both ways, and along every row of what they give.

    F. Visin and others, arXiv 1505.00393. A cheaper relative of :class:`MultiDirectionalLSTM`, and
    not an MDLSTM: no state ever has two neighbours, columns do not see each other until the
    rows are read, and that takes 2 (H + W) plain steps. Every pixel does see the whole image in
    the end. The paper's patches are a :class:`TileBlocks` in front.

    Args:
        units: U, of each of the four LSTMs.
        activation: of candidate and output.
        recurrent_activation: of the gates.
        use_bias: whether the gates have a bias.
        dropout: the rate for each LSTM's inputs.
        data_format: ``"channels_last"`` or ``"channels_first"``; Keras's configured one if None.

    Input shape:
        (N, H, W, C), or (N, C, H, W). A mask is (N, H, W) in either format: a pixel where it is
        False is passed over.

    Output shape:
        (N, H, W, 2 U), or (N, 2 U, H, W), zero where masked: what goes right, then what goes left.

    Weights:
        those of four ``keras.layers.LSTM``: down, up, right, left.

    Example:
        >>> ReNet(4)(keras.ops.ones((2, 5, 7, 3))).shape
        (2, 5, 7, 8)
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        dropout: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = int(units)
        self.activation = keras.activations.get(activation)
        self.recurrent_activation = keras.activations.get(recurrent_activation)
        self.use_bias = bool(use_bias)
        self.dropout = float(dropout)
        self.data_format = resolve_data_format(data_format)
        self.supports_masking = True
        self.columns = self._both_ways("columns")
        self.rows = self._both_ways("rows")

    def _both_ways(self, name: str) -> keras.layers.Bidirectional:
        one_way = keras.layers.LSTM(
            self.units,
            activation=self.activation,
            recurrent_activation=self.recurrent_activation,
            use_bias=self.use_bias,
            dropout=self.dropout,
            return_sequences=True,
            dtype=self.dtype_policy,
        )
        return keras.layers.Bidirectional(one_way, name=name, dtype=self.dtype_policy)

    def build(self, input_shape: Shape) -> None:
        """The four LSTMs."""
        channels = input_shape[channel_axis(4, self.data_format)]
        self.columns.build((None, None, channels))
        self.rows.build((None, None, 2 * self.units))
        self.built = True

    def call(self, inputs: Tensor, mask: Tensor | None = None, training: bool = False) -> Tensor:
        """What was read along the rows."""
        images = channels_last(inputs, self.data_format)
        turned = None if mask is None else ops.transpose(mask, (0, 2, 1))
        down_and_up = self._read(
            self.columns, ops.transpose(images, (0, 2, 1, 3)), turned, training
        )
        outputs = self._read(self.rows, ops.transpose(down_and_up, (0, 2, 1, 3)), mask, training)
        return from_channels_last(outputs, self.data_format)

    def _read(
        self,
        reader: keras.layers.Bidirectional,
        lines: Tensor,
        mask: Tensor | None,
        training: bool,
    ) -> Tensor:
        """(N, lines, steps, C) to (N, lines, steps, 2 U), each line a sequence of its own."""
        n, count, steps, channels = ops.shape(lines)
        flat = ops.reshape(lines, (-1, steps, channels))
        valid = None if mask is None else ops.reshape(mask, (-1, steps))
        outputs = reader(flat, mask=valid, training=training)
        outputs = ops.reshape(outputs, (n, count, steps, 2 * self.units))
        if mask is None:
            return outputs
        return outputs * ops.cast(ops.expand_dims(mask, -1), outputs.dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask it was given."""
        return mask

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's, with 2 U channels."""
        shape = list(input_shape)
        shape[channel_axis(4, self.data_format)] = 2 * self.units
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "recurrent_activation": keras.activations.serialize(self.recurrent_activation),
            "use_bias": self.use_bias,
            "dropout": self.dropout,
            "data_format": self.data_format,
        }
