"""The two-dimensional LSTMs against NumPy, against Keras's own LSTM, and against themselves."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from caffe2keras.runtime import MDLSTM, MultiDirectionalLSTM

DIRECTIONS = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
SETS = [{}, {"peepholes": True}, {"cell": "stable"}, {"cell": "stable", "peepholes": True}]
NAMES = ["graves", "graves-peepholes", "stable", "stable-peepholes"]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def naive(layer, x, mask=None):
    """h of the scan (1, 1), one pixel after the other, in double precision."""
    kernel, u_y, u_x, bias, *peephole = (one.astype("float64") for one in layer.get_weights())
    n, height, width, _ = x.shape
    h, c = (np.zeros((n, height + 1, width + 1, layer.units)) for _ in range(2))
    for y, z in itertools.product(range(height), range(width)):
        above, left = (slice(None), y, z + 1), (slice(None), y + 1, z)
        here = (slice(None), y + 1, z + 1)
        gates = x[:, y, z] @ kernel + h[above] @ u_y + h[left] @ u_x + bias
        blocks = np.split(gates, kernel.shape[1] // layer.units, axis=-1)
        new_h, new_c = step(layer.cell, blocks, c[above], c[left], *peephole)
        valid = 1.0 if mask is None else mask[:, y, z, None]
        h[here], c[here] = new_h * valid, new_c * valid
    return h[:, 1:, 1:]


def step(cell, blocks, c_y, c_x, peephole=None):
    p = np.zeros(4) if peephole is None else peephole
    if cell == "graves":
        i, f_y, f_x, g, o = blocks
        c = sigmoid(i + p[0] * (c_y + c_x)) * np.tanh(g)
        c = c + sigmoid(f_y + p[1] * c_y) * c_y + sigmoid(f_x + p[2] * c_x) * c_x
        return sigmoid(o + p[3] * c) * np.tanh(c), c
    f, share, g, o = blocks
    before = sigmoid(share) * c_y + (1 - sigmoid(share)) * c_x
    f = sigmoid(f + p[0] * before)
    c = f * before + (1 - f) * np.tanh(g)
    return sigmoid(o + p[1] * c) * np.tanh(c), c


def of_random_weights(layer, shape, rng):
    layer.build(shape)
    layer.set_weights([0.7 * rng.normal(size=one.shape) for one in layer.weights])
    return layer


def called(layer, x, mask=None):
    options = {} if mask is None else {"mask": ops.convert_to_tensor(mask)}
    outputs = layer(ops.convert_to_tensor(x), **options)
    if isinstance(outputs, list):
        return [ops.convert_to_numpy(one) for one in outputs]
    return ops.convert_to_numpy(outputs)


def recorded_weights(case, direction):
    names = ["W", "Uy", "Ux", "b"]
    weights = [case[f"dir{direction}_{name}"] for name in names]
    if case.get("dir0_p_i") is None:
        return weights
    return [
        *weights,
        np.stack([case[f"dir{direction}_p_{gate}"] for gate in ("i", "fy", "fx", "o")]),
    ]


@pytest.mark.parametrize("unroll", [False, True], ids=["loop", "unrolled"])
@pytest.mark.parametrize("direction", range(4))
@pytest.mark.parametrize("name", ["plain", "peephole"])
def test_a_scan_puts_out_the_recorded_numbers(fork_case, name, direction, unroll):
    case = fork_case(f"mdlstm_{name}")
    layer = MDLSTM(
        4,
        direction=DIRECTIONS[direction],
        peepholes=name == "peephole",
        return_cells=True,
        unroll=unroll,
    )
    layer.build(case["x"].shape)
    layer.set_weights(recorded_weights(case, direction))
    h, c = called(layer, case["x"].astype("float32"))
    np.testing.assert_allclose(h, case[f"output_h_{direction}"], atol=2e-6, rtol=0)
    np.testing.assert_allclose(c, case[f"output_c_{direction}"], atol=2e-6, rtol=0)


@pytest.mark.parametrize("name", ["plain", "peephole"])
def test_four_directions_put_out_the_recorded_numbers(fork_case, name):
    case = fork_case(f"mdlstm_{name}")
    layer = MultiDirectionalLSTM(4, merge="list", peepholes=name == "peephole")
    layer.build(case["x"].shape)
    layer.set_weights([one for k in range(4) for one in recorded_weights(case, k)])
    outputs = called(layer, case["x"].astype("float32"))
    for k, output in enumerate(outputs):
        np.testing.assert_allclose(output, case[f"output_h_{k}"], atol=2e-6, rtol=0)


@pytest.mark.parametrize("size", [(5, 3), (2, 6), (4, 1), (1, 1)], ids=str)
@pytest.mark.parametrize("options", SETS, ids=NAMES)
def test_the_diagonals_are_one_pixel_after_the_other(rng, options, size):
    x = rng.normal(size=(2, *size, 3)).astype("float32")
    layer = of_random_weights(MDLSTM(4, **options), x.shape, rng)
    np.testing.assert_allclose(called(layer, x), naive(layer, x), atol=2e-6, rtol=0)


def test_an_image_of_one_row_is_an_ordinary_lstm(rng):
    x = rng.normal(size=(3, 1, 7, 2)).astype("float32")
    layer = of_random_weights(MDLSTM(4, direction=(1, -1)), x.shape, rng)
    kernel, _, u_x, bias = layer.get_weights()
    plain = keras.layers.LSTM(4, return_sequences=True, go_backwards=True)
    plain.build((None, 7, 2))
    # i, f_y, f_x, g, o without f_y
    kept = np.r_[0:4, 8:20]
    plain.set_weights([one[..., kept] for one in (kernel, u_x, bias)])
    expected = ops.convert_to_numpy(plain(ops.convert_to_tensor(x[:, 0])))
    np.testing.assert_allclose(called(layer, x)[:, 0, ::-1], expected, atol=2e-6)


@pytest.mark.parametrize("direction", DIRECTIONS, ids=str)
def test_a_mirrored_image_scanned_the_other_way_is_the_mirrored_output(rng, direction):
    x = rng.normal(size=(2, 4, 6, 3)).astype("float32")
    layer = of_random_weights(MDLSTM(5), x.shape, rng)
    other = MDLSTM(5, direction=direction)
    other.build(x.shape)
    other.set_weights(layer.get_weights())
    mirror = (slice(None), slice(None, None, direction[0]), slice(None, None, direction[1]))
    np.testing.assert_array_equal(called(other, x[mirror])[mirror], called(layer, x))


@pytest.mark.parametrize("tied", [False, True], ids=["own", "tied"])
def test_the_four_directions_are_four_scans(rng, tied):
    x = rng.normal(size=(2, 4, 6, 3)).astype("float32")
    layers = {
        merge: MultiDirectionalLSTM(5, merge=merge, tied=tied)
        for merge in ("list", "sum", "concat")
    }
    weights = of_random_weights(layers["list"], x.shape, rng).get_weights()
    assert len(weights) == (4 if tied else 16)
    four = called(layers["list"], x)
    for k, direction in enumerate(DIRECTIONS):
        one = MDLSTM(5, direction=direction)
        one.build(x.shape)
        one.set_weights(weights[:4] if tied else weights[4 * k : 4 * k + 4])
        np.testing.assert_allclose(four[k], called(one, x), atol=1e-6)
    for merge, expected in {"sum": sum(four), "concat": np.concatenate(four, axis=-1)}.items():
        layers[merge].build(x.shape)
        layers[merge].set_weights(weights)
        np.testing.assert_allclose(called(layers[merge], x), expected, atol=1e-6)


@pytest.mark.parametrize("merge", ["sum", "concat", "list"])
def test_channels_first_is_the_same_with_its_axes_moved(rng, merge):
    x = rng.normal(size=(2, 4, 6, 3)).astype("float32")
    last = MultiDirectionalLSTM(5, merge=merge, data_format="channels_last")
    weights = of_random_weights(last, x.shape, rng).get_weights()
    first = MultiDirectionalLSTM(5, merge=merge, data_format="channels_first")
    moved = x.transpose(0, 3, 1, 2)
    first.build(moved.shape)
    first.set_weights(weights)
    expected, outputs = called(last, x), called(first, moved)
    if merge != "list":
        expected, outputs = [expected], [outputs]
    for one, other in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(one.transpose(0, 2, 3, 1), other, atol=1e-6)


@pytest.mark.parametrize("cell", ["graves", "stable"])
def test_a_padded_image_gives_what_it_gives_without_padding(rng, cell):
    x = rng.normal(size=(2, 5, 7, 3)).astype("float32")
    mask = np.zeros((2, 5, 7), bool)
    mask[0, :3, :4] = mask[1, :5, :2] = True
    # A sigmoid is no zero at zero, so that nothing but the mask keeps the padding out.
    layer = MultiDirectionalLSTM(4, merge="concat", cell=cell, activation="sigmoid")
    of_random_weights(layer, x.shape, rng)
    outputs = called(layer, x, mask)
    np.testing.assert_array_equal(outputs[~mask], 0)
    np.testing.assert_allclose(outputs[:1, :3, :4], called(layer, x[:1, :3, :4]), atol=1e-6)
    np.testing.assert_allclose(outputs[1:, :5, :2], called(layer, x[1:, :5, :2]), atol=1e-6)


def test_a_masked_pixel_is_outside_wherever_it_lies(rng):
    x = rng.normal(size=(2, 4, 5, 3)).astype("float32")
    mask = rng.random(size=(2, 4, 5)) < 0.6
    layer = of_random_weights(MDLSTM(4), x.shape, rng)
    np.testing.assert_allclose(called(layer, x, mask), naive(layer, x, mask), atol=2e-6)


@pytest.mark.parametrize("merge", ["sum", "list"])
def test_the_mask_goes_on_with_every_output(merge):
    masked = keras.layers.Masking()(keras.Input((4, 6, 3)))
    outputs = MultiDirectionalLSTM(5, merge=merge)(masked)
    scanned = MDLSTM(5, return_cells=True)(masked)
    for one in [*(outputs if merge == "list" else [outputs]), *scanned]:
        assert one._keras_mask.shape == (None, 4, 6)


@pytest.fixture
def compiled_loop() -> None:
    if keras.backend.backend() == "openvino":
        pytest.skip("OpenVINO builds long scans for minutes; other backends run the same one")


def test_a_cell_without_bounds_does_not_overflow_beyond_the_image(compiled_loop):
    # Scanned on from the last row's end, relu and open gates would go past every number.
    layer = MDLSTM(1, activation="relu", bias_initializer="ones", recurrent_initializer="ones")
    outputs = called(layer, np.ones((1, 60, 1, 1), "float32"))
    assert np.isfinite(outputs).all()


def test_the_stable_cell_stays_within_one_where_graves_grows(compiled_loop):
    x = np.ones((1, 12, 12, 1), "float32")
    largest = {}
    for cell in ("graves", "stable"):
        layer = MDLSTM(2, cell=cell, return_cells=True, bias_initializer="ones")
        largest[cell] = np.abs(called(layer, x)[1]).max()
    assert largest["stable"] <= 1 < 100 < largest["graves"]


@pytest.mark.parametrize("cell", ["graves", "stable"])
def test_forget_gates_begin_open_if_asked(cell):
    layer = MDLSTM(2, cell=cell, unit_forget_bias=True)
    layer.build((None, None, None, 3))
    blocks = {"graves": [0, 1, 1, 0, 0], "stable": [1, 0, 0, 0]}[cell]
    np.testing.assert_array_equal(layer.get_weights()[-1], np.repeat(blocks, 2))


ALL = {
    "cell": "stable",
    "activation": "softsign",
    "recurrent_activation": "hard_sigmoid",
    "peepholes": True,
    "unit_forget_bias": True,
    "kernel_initializer": keras.initializers.RandomNormal(stddev=0.3, seed=1),
    "recurrent_initializer": "he_uniform",
    "bias_initializer": "ones",
    "peephole_initializer": keras.initializers.RandomNormal(stddev=0.2, seed=2),
    "kernel_regularizer": "l2",
    "recurrent_regularizer": "l1",
    "bias_regularizer": keras.regularizers.L2(0.3),
    "peephole_regularizer": "l2",
    "kernel_constraint": "max_norm",
    "recurrent_constraint": "unit_norm",
    "bias_constraint": "non_neg",
    "peephole_constraint": keras.constraints.MaxNorm(3),
    "unroll": True,
    "data_format": "channels_first",
}


@pytest.mark.parametrize(
    "layer",
    [
        MDLSTM(4),
        MDLSTM(4, direction=(-1, 1), return_cells=True, use_bias=False),
        MDLSTM(4, **ALL),
        MultiDirectionalLSTM(4, merge="list"),
        MultiDirectionalLSTM(4, merge="concat", tied=True, cell="stable"),
        MultiDirectionalLSTM(4, **ALL),
    ],
    ids=["plain", "cells", "all", "list", "tied", "all-four"],
)
def test_it_keeps_the_contract_of_a_layer(contract, rng, layer):
    contract(layer, rng.normal(size=(2, 3, 5, 6)).astype("float32"))


def test_every_option_is_in_the_config_and_comes_back():
    for kind in (MDLSTM, MultiDirectionalLSTM):
        config = kind(4, **ALL).get_config()
        plain = kind(4).get_config()
        again = kind.from_config(config)
        assert again.get_config() == config
        assert [name for name in ALL if config[name] == plain[name]] == []


def test_the_options_of_four_directions_reach_every_one():
    layer = MultiDirectionalLSTM(4, **ALL)
    expected = MDLSTM(4, **ALL).get_config()
    for scan in layer.scans:
        config = scan.get_config()
        assert {**config, "name": ""} == {**expected, "name": ""}
    layer.build((None, 6, 3, 5))
    assert len(layer.losses) == 4 * 5


def test_height_and_width_may_be_unknown(rng, dynamic_call):
    x = rng.normal(size=(2, 4, 6, 3)).astype("float32")
    layer = of_random_weights(MultiDirectionalLSTM(5), x.shape, rng)
    if keras.backend.backend() == "openvino":
        with pytest.raises(ValueError, match="openvino backend needs images of known height"):
            dynamic_call(layer, x)
        return
    np.testing.assert_allclose(dynamic_call(layer, x), called(layer, x), atol=1e-6)


@pytest.mark.skipif(
    keras.backend.backend() in ("jax", "torch"),
    reason="where images are seen, their sizes are known",
)
def test_steps_of_unknown_number_cannot_be_written_out(rng, dynamic_call):
    x = rng.normal(size=(2, 4, 6, 3)).astype("float32")
    with pytest.raises(ValueError, match=r"`unroll=True` needs images of known height and width"):
        dynamic_call(MDLSTM(5, unroll=True), x)


def test_wrong_use_is_refused():
    for arguments, words in [
        ({"units": 0}, "`units` must be at least 1"),
        ({"units": 2, "cell": "lstm"}, "`cell` must be one of"),
        ({"units": 2, "data_format": "rows"}, "`data_format` must be"),
    ]:
        for kind in (MDLSTM, MultiDirectionalLSTM):
            with pytest.raises(ValueError, match=words):
                kind(**arguments)
    with pytest.raises(ValueError, match="`direction` must be two of 1 and -1"):
        MDLSTM(2, direction=(0, 1))
    with pytest.raises(ValueError, match="`merge` must be"):
        MultiDirectionalLSTM(2, merge="average")
    with pytest.raises(ValueError, match="Expected images, 4 axes"):
        MDLSTM(2).build((None, 5, 3))
