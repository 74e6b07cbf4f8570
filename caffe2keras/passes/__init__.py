"""Net to net: what Caffe's graph has and a Keras model need not, one idea in each file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from caffe2keras.errors import InputError
from caffe2keras.graph.net import Net
from caffe2keras.passes.batch_norm import join_batchnorm_and_scale
from caffe2keras.passes.continuation import assume_full_sequences as assume_sequences
from caffe2keras.passes.continuation import keep_states, settle_continuation
from caffe2keras.passes.folding import fold_channel_factors
from caffe2keras.passes.heads import keep_training_heads
from caffe2keras.passes.splits import remove_splits
from caffe2keras.passes.training import drop_training_layers
from caffe2keras.passes.unrolled import roll_lstms

__all__ = [
    "PASSES",
    "assume_sequences",
    "drop_training_layers",
    "fold_channel_factors",
    "join_batchnorm_and_scale",
    "keep_states",
    "keep_training_heads",
    "remove_splits",
    "roll_lstms",
    "run_passes",
    "settle_continuation",
]

PASSES: tuple[Callable[[Net], Net], ...] = (
    # first, so that the others see who really reads a blob
    remove_splits,
    # before anything is joined: a loss may be the second reader that forbids it
    drop_training_layers,
    # Caffe's normalization comes in two layers, Keras's in one
    join_batchnorm_and_scale,
    # Keras's recurrent layers know sequences that begin at the first step
    settle_continuation,
)


def run_passes(
    net: Net,
    recurrent: Literal["roll", "keep"] = "roll",
    *,
    training: bool = False,
    assume_full_sequences: bool = False,
    stateful: bool = False,
    fold: bool = False,
) -> Net:
    """Apply all of them, in order.

    Args:
        net: weights attached.
        recurrent: whether LSTMs that are written out step by step become one layer.
        training: whether the losses are kept, each for what it compares.
        assume_full_sequences: whether the user says that sequences begin at the first step alone.
        stateful: whether recurrent layers shall go on from where the pass before ended.
        fold: whether factors and terms of channels go into the weights before them.

    Raises:
        InputError: sequences shall both begin and go on at the first step.
    """
    if assume_full_sequences and stateful:
        raise InputError(
            what="the net cannot be stateful and have full sequences alone",
            why="a sequence that begins at the first step takes no state from the pass before",
            hint="leave out --stateful or --assume-full-sequences",
        )
    if stateful:
        net = keep_states(net)
    if assume_full_sequences:
        net = assume_sequences(net)
    for one in PASSES:
        if training and one is drop_training_layers:
            one = keep_training_heads
        net = one(net)
    if fold:
        net = fold_channel_factors(net)
    # what was rolled may have a cont of constants too
    return settle_continuation(roll_lstms(net)) if recurrent == "roll" else net
