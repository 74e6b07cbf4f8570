"""The handwriting network against NumPy, and its way of being built."""

import keras
import numpy as np
import pytest

from caffe2keras.runtime import handwriting_network

TINY = {"units": (2, 3), "features": (6,), "windows": ((2, 4),)}


def recorded(case, model):
    """The model with the case's weights."""
    for level, units in enumerate(TINY["units"], start=1):
        scans = model.get_layer(f"lstm{level - 1}").scans
        for k, scan in enumerate(scans):
            assert scan.units == units
            scan.set_weights([case[f"l{level}_dir{k}_{name}"] for name in ("W", "Uy", "Ux", "b")])
    for k in range(4):
        model.get_layer(f"convolution0_{k}").set_weights([case[f"l1_conv{k}"]])
        model.get_layer(f"labels_{k}").set_weights([case[f"l2_dense{k}"]])
    model.get_layer("collapse").set_weights([case["out_bias"]])
    return model


@pytest.mark.parametrize("softmax", [False, True], ids=["logits", "softmax"])
def test_a_tiny_network_puts_out_the_recorded_numbers(fork_case, softmax):
    case = fork_case("mdlstm_network_tiny")
    image = case["image"].astype("float32")
    model = recorded(case, handwriting_network(6, (None, None, 1), softmax=softmax, **TINY))
    output = model.predict_on_batch(image)
    expected = case["output_softmax" if softmax else "output_logits"]
    np.testing.assert_allclose(output, expected, atol=2e-6, rtol=0)


def test_what_lies_between_is_as_recorded_too(fork_case):
    case = fork_case("mdlstm_network_tiny")
    model = recorded(case, handwriting_network(6, (9, 18, 1), **TINY))
    inner = keras.Model(model.input, [model.get_layer(name).output for name in ("blocks", "tanh0")])
    tiled, after = inner.predict_on_batch(case["image"].astype("float32"))
    np.testing.assert_allclose(tiled, case["tiled"], atol=2e-6, rtol=0)
    np.testing.assert_allclose(after, case["after_level1"], atol=2e-6, rtol=0)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_it_survives_saving(tmp_path, rng, suffix):
    model = handwriting_network(4, (9, 21, 1), peepholes=True, cell="stable", **TINY)
    image = rng.normal(size=(2, 9, 21, 1)).astype("float32")
    path = tmp_path / f"handwriting{suffix}"
    model.save(path)
    again = keras.models.load_model(path)
    np.testing.assert_array_equal(again.predict_on_batch(image), model.predict_on_batch(image))


def test_its_sizes_are_the_papers():
    model = handwriting_network(79)
    assert model.output_shape == (None, None, 80)
    shapes = {weight.path: tuple(weight.shape) for weight in model.weights}
    # five blocks of columns for the gates; the convolution sees 2 x 4 pixels of 2 channels
    assert shapes["lstm0/up_left/kernel"] == (4, 10)
    assert shapes["convolution0_3/kernel"] == (16, 6)
    assert shapes["lstm1/up_left/kernel"] == (6, 50)
    assert shapes["convolution1_3/kernel"] == (80, 20)
    assert shapes["lstm2/up_left/kernel"] == (20, 250)
    assert shapes["labels_3/kernel"] == (50, 80)
    assert [path for path in shapes if path.endswith("bias") and "lstm" not in path] == [
        "collapse/bias"
    ]


def test_dropout_lies_between_the_lstms_and_what_reads_them():
    model = handwriting_network(4, (8, 16, 1), **TINY)
    dropouts = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert [layer.rate for layer in dropouts] == [0.5] * 8
    for layer in dropouts:
        source = layer.input._keras_history.operation
        assert source.name.startswith("lstm")


def test_a_padded_line_reads_as_it_does_without_padding(rng):
    network = handwriting_network(4, padding=-1.0, **TINY)
    line = rng.random(size=(2, 7, 14, 1)).astype("float32")
    padded = np.full((2, 11, 23, 1), -1.0, "float32")
    padded[:, :7, :14] = line
    alone = network.predict_on_batch(line)
    together = network.predict_on_batch(padded)
    np.testing.assert_allclose(together[:, : alone.shape[1]], alone, atol=2e-6)
    # What lies behind is the bias alone, which is zero before any training.
    np.testing.assert_array_equal(together[:, alone.shape[1] :], 0)


def test_levels_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match="for every level but the last"):
        handwriting_network(4, units=(2, 3), features=(6,), windows=())
