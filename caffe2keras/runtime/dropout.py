"""Dropout that goes on when predicting."""

from __future__ import annotations

from typing import Any

from caffe2keras.runtime.dialect import keras

__all__ = ["SampledDropout"]


@keras.saving.register_keras_serializable(package="caffe2keras")
class SampledDropout(keras.layers.Dropout):
    """Dropout that draws at random when predicting too, for the spread of many predictions.

    Dropout with ``sample_weights_test`` of alexgkendall's caffe-segnet (dropout_layer.cpp): what
    is kept is scaled by 1 / (1 - rate), in both phases. The mean of many predictions estimates
    the answer, their variance how sure the net is of it (Bayesian SegNet, arXiv 1511.02680).

    Args:
        rate: the share of the values that is dropped.
        sampling: False stops the drawing when predicting, which gives what a stock Dropout does.
            May be set on a built layer; a model that has been compiled by ``predict`` already
            keeps what it was compiled with.
        noise_shape: as in ``keras.layers.Dropout``.
        seed: likewise.

    Input shape:
        any.

    Output shape:
        the input's.

    Example:
        >>> y = SampledDropout(0.5)(keras.ops.ones((2, 3)))  # zeros and twos, anew at each call
    """

    def __init__(
        self,
        rate: float,
        sampling: bool = True,
        noise_shape: Any = None,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, noise_shape=noise_shape, seed=seed, **kwargs)
        self.sampling = sampling

    def call(self, inputs: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        """The values, a part of them dropped."""
        return super().call(inputs, training=bool(training or self.sampling))

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "sampling": self.sampling}
