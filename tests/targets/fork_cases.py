"""The MarcBS fork's recorded runs, in whatever Keras 2 is installed beside caffe2keras-runtime.

Usage: python fork_cases.py FOLDER

``scripts/check_targets`` runs this in each old environment; pytest is not there. FOLDER holds the
recorded runs. Prints a line for each case, and ends in exit code 1 if one differs.
"""

import sys
import traceback
from functools import partial
from pathlib import Path

import numpy as np

from caffe2keras.runtime import (
    AttLSTM,
    AttLSTMCond,
    ClassActivationMapping,
    LearningRateMultiplier,
    LSTMCond,
    set_lr_multipliers,
)
from caffe2keras.runtime.dialect import keras

TOLERANCE = 2e-6
TRAINED_TOLERANCE = 3e-6  # after three steps

LSTM_COND = {
    "LSTMCond_seq": {},
    "LSTMCond_last": {},
    "LSTMCond_mask_seq": {},
    "LSTMCond_mask_last": {},
    "LSTMCond_sigmoid_relu_backwards": {
        "go_backwards": True,
        "activation": "relu",
        "recurrent_activation": "sigmoid",
    },
    "LSTM_Cond_ba642f5_batch1": {},
    "v123_LSTMCond_seqctx": {},
}
ATT_LSTM = (
    "AttLSTM_seq",
    "AttLSTM_last",
    "AttLSTM_mem",
    "AttLSTM_one_in_step",
    "AttLSTM_raw4d",
    "AttLSTM_args_ignored",
)
ATT_LSTM_COND = (
    "AttLSTMCond_seq",
    "AttLSTMCond_last",
    "AttLSTMCond_mask_words_last",
    "AttLSTMCond_mask_context_seq",
    "AttLSTMCond_args_ignored",
    "AttLSTMCond_init_state_bug",
    "v123_AttLSTMCond_seq",
)
ATTENDED = ("AttLSTMCond_extra_seq", "AttLSTMCond_extra_mask_words")
MAPPINGS = ("ClassActivationMapping_ctor_weights", "ClassActivationMapping_one_pixel")
MULTIPLIED = (
    "SGD",
    "SGD_momentum",
    "SGD_decay",
    "SGD_clipnorm",
    "Adadelta",
    "Adamax",
)
# The fork and tf.keras add epsilon under the root, Keras 2.3 behind it.
UNDER_THE_ROOT = ("RMSprop", "Adagrad")


def as_mask(values):
    """What a Masking layer in front would hand over."""
    return keras.backend.greater(values, 0.5)


def computed(layer, arrays, mask=None):
    """What a layer makes of arrays, by a model whose steps and batch are open."""
    inputs = [keras.layers.Input(shape=array.shape[1:]) for array in arrays]
    fed = list(arrays)
    options = {}
    if mask is not None:
        given = keras.layers.Input(shape=mask.shape[1:])
        flag = keras.layers.Lambda(as_mask, output_shape=mask.shape[1:])(given)
        options["mask"] = [flag, None]
        inputs, fed = [*inputs, given], [*fed, mask.astype("float32")]
    called = inputs[: len(arrays)]
    outputs = layer(called if len(arrays) > 1 else called[0], **options)
    listed = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    function = keras.backend.function(inputs, listed)
    return [np.asarray(each) for each in function([np.asarray(each, "float32") for each in fed])]


def weights_of(case):
    """As the fork lists them."""
    return [case[name] for name in sorted(case) if name.startswith("weight_")]


def conditioned(name, case, folder):
    """LSTMCond: words and context, which the early forks took as one."""
    version = "v1.2.3" if name.startswith("v123") else "4e6a8ec"
    weights = weights_of(case)
    layer = LSTMCond.from_fork_weights(
        weights, version, return_sequences=case["output_0"].ndim == 3, **LSTM_COND[name]
    )
    whole, features = case["input_0"], weights[0].shape[0]
    inputs = [whole[..., features:], whole[..., :features]]
    if "input_1" in case and case["input_1"].ndim == 3:
        inputs = [whole, case["input_1"]]
    return zip(computed(layer, inputs, case.get("mask_0")), [case["output_0"]])


def attentive(name, case, folder):
    """AttLSTM: a context, repeated for each step or not."""
    layer = AttLSTM.from_fork_weights(
        weights_of(case),
        steps=None if case["input_0"].ndim == 4 else 4,
        return_sequences=case["output_0"].ndim == 3,
    )
    return zip(computed(layer, [case["input_0"]]), [case["output_0"]])


def attentive_conditioned(name, case, folder):
    """AttLSTMCond: words and a context, and what was attended to."""
    early = not name.startswith("v123")
    layer = AttLSTMCond.from_fork_weights(
        weights_of(case),
        "4e6a8ec" if early else "v1.2.3",
        return_sequences=case["output_0"].ndim == 3,
        return_attention=name in ATTENDED,
    )
    inputs = [case["input_0"], case["input_1"]]
    inputs = inputs[::-1] if early else inputs
    inputs += [case[key] for key in ("effective_h0", "effective_c0") if key in case]
    expected = [case["output_0"]]
    if name in ATTENDED:
        expected += [case["x_att_batch_major"], case["alphas_batch_major"]]
    return zip(computed(layer, inputs, case.get("mask_1")), expected)


def mapped(name, case, folder):
    """ClassActivationMapping, in both data formats."""
    pairs = []
    for data_format in ("channels_first", "channels_last"):
        layer = ClassActivationMapping.from_fork_weights(weights_of(case), data_format=data_format)
        features, expected = case["input_0"], case["output_0"]
        if data_format == "channels_last":
            features, expected = (np.moveaxis(each, 1, -1) for each in (features, expected))
        pairs += [(computed(layer, [features])[0], expected)]
    return pairs


def optimizer(name):
    """The fork's, by what Keras 2 calls it. Its Nadam warms up as only Keras 2.3's does."""
    optimizers = keras.optimizers
    if name == "SGD_momentum":
        return optimizers.SGD(0.01, momentum=0.9)
    if name == "SGD_decay":
        rate = 0.01
        if keras.backend.backend() == "theano":
            return optimizers.SGD(rate, decay=0.5)
        from tensorflow.keras.optimizers.schedules import InverseTimeDecay

        return optimizers.SGD(InverseTimeDecay(rate, decay_steps=1, decay_rate=0.5))
    if name == "SGD_clipnorm":
        # of the whole gradient; Keras 2.3 means so by clipnorm
        key = "clipnorm" if keras.backend.backend() == "theano" else "global_clipnorm"
        return optimizers.SGD(0.01, **{key: 0.5})
    if name == "Adagrad":
        return optimizers.Adagrad(0.01, initial_accumulator_value=0.0, epsilon=1e-8)
    rates = {"SGD": 0.01, "RMSprop": 0.001, "Adadelta": 1.0}
    rates.update(Adamax=0.002, Nadam=0.002)
    options = {} if name == "SGD" else {"epsilon": 1e-8}
    return getattr(optimizers, name)(rates[name], **options)


def multiplied(name, case, folder):
    """LearningRateMultiplier: losses and weights of three steps."""
    inputs = keras.layers.Input(shape=(4,))
    hidden = keras.layers.Dense(5, activation="tanh", name=f"hidden_{name}")
    out = keras.layers.Dense(3, name=f"out_{name}")
    model = keras.models.Model(inputs, out(hidden(inputs)))
    model.set_weights(at(case, "initial"))
    set_lr_multipliers(hidden, kernel=10, bias=20)
    rates = {f"out_{name}/kernel": 0, f"out_{name}/bias": None}
    model.compile(LearningRateMultiplier(optimizer(name), rates), "mse")
    pairs = []
    for step in range(3):
        loss = model.train_on_batch(case["X"][step], case["Y"][step])
        pairs += [(np.asarray(loss), case["losses"][step])]
        pairs += list(zip(model.get_weights(), at(case, f"step{step + 1}")))
    return pairs


def at(case, moment):
    """The fork's weights at a moment."""
    return [case[moment + "_" + name] for name in ("W1", "b1", "W2", "b2")]


def cases():
    """File name -> the function that computes it."""
    every = {name: partial(conditioned, name) for name in LSTM_COND}
    every.update({name: partial(attentive, name) for name in ATT_LSTM})
    every.update({name: partial(attentive_conditioned, name) for name in ATT_LSTM_COND + ATTENDED})
    every.update({name: partial(mapped, name) for name in MAPPINGS})
    every.update({f"lrmult_{name}_aligned": partial(multiplied, name) for name in MULTIPLIED})
    more = ("Nadam",) if keras.backend.backend() == "theano" else UNDER_THE_ROOT
    every.update({f"lrmult_{name}_aligned": partial(multiplied, name) for name in more})
    return every


def difference(name, compute, folder):
    """The largest of a case."""
    with np.load(str(folder / (name + ".npz"))) as arrays:
        case = {key: arrays[key] for key in arrays.files}
    differences = []
    for received, expected in compute(case, folder):
        if received.shape != expected.shape:
            raise ValueError(f"expected {expected.shape}, received {received.shape}")
        differences.append(float(np.abs(received - expected).max()))
    return max(differences)


def main(folder):
    """Print them all."""
    failed = 0
    for name, compute in cases().items():
        allowed = TRAINED_TOLERANCE if name.startswith("lrmult") else TOLERANCE
        try:
            found = difference(name, compute, folder)
        except Exception:
            traceback.print_exc()
            found = float("inf")
        failed += not found <= allowed
        print(f"{name:40} {found:.1e} {'ok' if found <= allowed else 'FAILED'}")
    print(f"{len(cases()) - failed} of {len(cases())} cases agree")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
