"""The batch is the second axis where the first is time, and the layers between keep it so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe2keras.convert import convert, load_net
from caffe2keras.errors import InputError
from caffe2keras.layer_map import map_net, try_net
from caffe2keras.layer_map.batch_axis import batch_axes
from caffe2keras.verify import verify

T, N = 4, 3

FILLERS = 'weight_filler { type: "gaussian" std: 0.4 } bias_filler { type: "gaussian" std: 0.4 }'
WORDS = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 3 } } }\n'
FRAMES = (
    'layer { name: "x" type: "Input" top: "x" '
    "input_param { shape { dim: 4 dim: 3 dim: 2 dim: 3 dim: 2 } } }\n"
)
CONT = 'layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: 4 dim: 3 } } }\n'


def layer(kind: str, bottoms: str, tops: str, params: str = "") -> str:
    wires = [f'bottom: "{b}"' for b in bottoms.split()] + [f'top: "{t}"' for t in tops.split()]
    return f'layer {{ name: "{tops.split()[0]}" type: "{kind}" {" ".join(wires)} {params} }}\n'


def dense(bottom: str, top: str, axis: int = 2, units: int = 5) -> str:
    return layer(
        "InnerProduct",
        bottom,
        top,
        f"inner_product_param {{ num_output: {units} axis: {axis} {FILLERS} }}",
    )


def lstm(bottom: str, top: str) -> str:
    return layer("LSTM", f"{bottom} cont", top, f"recurrent_param {{ num_output: 2 {FILLERS} }}")


EMBED = layer("Embed", "x", "e", f"embed_param {{ input_dim: 7 num_output: 5 {FILLERS} }}")
# axis 2 of an LSTM's output, as a caption net's softmax has it
SOFTMAX = layer("Softmax", "s", "p", "softmax_param { axis: 2 }")
CAPTION = WORDS + CONT + EMBED + lstm("e", "h") + dense("h", "s") + SOFTMAX
UNIT_SLICE = layer("Slice", "x", "a b c d", "slice_param { axis: 0 }")
TIME_CONCAT = layer("Concat", "ia ib ic id", "joined", "concat_param { axis: 0 }")
STEPS = UNIT_SLICE + "".join(dense(each, f"i{each}") for each in "abcd") + TIME_CONCAT

FREE = {
    "a caption net": CAPTION,
    "an LSTM on frames": FRAMES + CONT + lstm("x", "h"),
    "a matrix product on frames": FRAMES + CONT + dense("x", "i") + lstm("i", "h"),
    "one behind the other": FRAMES + CONT + lstm("x", "g") + lstm("g", "h"),
    "steps one by one": FRAMES + STEPS,
    "frames flattened and activated": (
        FRAMES
        + CONT
        + layer("TanH", "x", "t")
        + layer("Flatten", "t", "f", "flatten_param { axis: 2 }")
        + lstm("f", "h")
        + layer("Reshape", "h", "r", "reshape_param { shape { dim: 0 dim: 0 dim: 1 dim: -1 } }")
    ),
    "what is gated by cont": (
        FRAMES + CONT + lstm("x", "h") + layer("Scale", "h cont", "y", "scale_param { axis: 0 }")
    ),
    "a sum over the values": (
        FRAMES + CONT + lstm("x", "h") + layer("Reduction", "h", "y", "reduction_param { axis: 2 }")
    ),
}

IMAGES = (
    'layer { name: "x" type: "Input" top: "x" '
    "input_param { shape { dim: 4 dim: 3 dim: 5 dim: 6 } } }\n"
)
GAUSSIAN = 'filler { type: "gaussian" std: 1 }'
SECOND = layer("TanH", "x", "t")

# (4, 3, 5, 6) with the batch on axis 1, as the user says: what each layer does to it
MIXING = {
    "Concat": SECOND + layer("Concat", "x t", "y", "concat_param { axis: 1 }"),
    "Slice": layer("Slice", "x", "y z", "slice_param { axis: 1 slice_point: 1 }"),
    "Reverse": layer("Reverse", "x", "y", "reverse_param { axis: 1 }"),
    "Tile": layer("Tile", "x", "y", "tile_param { axis: 1 tiles: 2 }"),
    "Scale": layer("Scale", "x", "y", f"scale_param {{ axis: 1 {GAUSSIAN} }}"),
    "Scale over both": layer("Scale", "x", "y", f"scale_param {{ num_axes: 2 {GAUSSIAN} }}"),
    "Bias": layer("Bias", "x", "y", f"bias_param {{ axis: 1 {GAUSSIAN} }}"),
    "Softmax": layer("Softmax", "x", "y"),
    "ArgMax": layer("ArgMax", "x", "y"),
    "InnerProduct": dense("x", "y", axis=1),
    "Convolution": layer(
        "Convolution", "x", "y", f"convolution_param {{ num_output: 2 kernel_size: 3 {FILLERS} }}"
    ),
    "LRN": layer("LRN", "x", "y"),
    "BatchNorm": layer("BatchNorm", "x", "y"),
    "PReLU": layer("PReLU", "x", "y", f"prelu_param {{ {GAUSSIAN} }}"),
    "Flatten": layer("Flatten", "x", "y"),
    "Reshape": layer("Reshape", "x", "y", "reshape_param { shape { dim: -1 dim: 6 } }"),
    "Reduction": layer("Reduction", "x", "y", "reduction_param { axis: 1 }"),
    "ShuffleChannel": layer("ShuffleChannel", "x", "y", "shuffle_channel_param { group: 3 }"),
}
KEEPING = {
    "Concat": SECOND + layer("Concat", "x t", "y", "concat_param { axis: 0 }"),
    "Slice": layer("Slice", "x", "y z", "slice_param { axis: 2 slice_point: 1 }"),
    "Reverse": layer("Reverse", "x", "y", "reverse_param { axis: 0 }"),
    "Tile": layer("Tile", "x", "y", "tile_param { axis: 3 tiles: 2 }"),
    "Scale": layer("Scale", "x", "y", f"scale_param {{ axis: 2 {GAUSSIAN} }}"),
    "Softmax": layer("Softmax", "x", "y", "softmax_param { axis: 0 }"),
    "InnerProduct": dense("x", "y", axis=2),
    "Flatten": layer("Flatten", "x", "y", "flatten_param { axis: 2 }"),
    "Reshape": layer("Reshape", "x", "y", "reshape_param { shape { dim: 0 dim: 0 dim: -1 } }"),
    "Reduction": layer("Reduction", "x", "y", "reduction_param { axis: 3 }"),
}

# Layers that mix the batch's entries, or count them, or take Caffe's axis 1 for channels.
TIED = {
    "a matrix product over the batch": FRAMES + CONT + lstm("x", "h") + dense("h", "y", axis=1),
    "a softmax over the batch": (
        FRAMES + CONT + lstm("x", "h") + layer("Softmax", "h", "y", "softmax_param { axis: 1 }")
    ),
    "a slope for each stream": FRAMES + CONT + lstm("x", "h") + layer("PReLU", "h", "y"),
    "steps and streams in one": (
        FRAMES
        + CONT
        + lstm("x", "h")
        + layer("Flatten", "h", "y", "flatten_param { axis: 0 end_axis: 1 }")
    ),
    "a sum over the batch": (
        FRAMES + CONT + lstm("x", "h") + layer("Reduction", "h", "y", "reduction_param { axis: 1 }")
    ),
    "statistics of a step": (
        FRAMES
        + CONT
        + lstm("x", "h")
        + layer("MVN", "h", "y", "mvn_param { across_channels: true }")
    ),
}


def fed(name: str, *shape: int) -> str:
    dims = " ".join(f"dim: {extent}" for extent in shape)
    return (
        f'layer {{ name: "{name}" type: "Input" top: "{name}" '
        f"input_param {{ shape {{ {dims} }} }} }}\n"
    )


def recurrent(bottoms: str, tops: str, kind: str = "LSTM") -> str:
    exposed = "expose_hidden: true" if " " in tops else ""
    params = f"recurrent_param {{ num_output: 2 {exposed} {FILLERS} }}"
    return layer(kind, bottoms, tops, params)


RESHAPED = "reshape_param { shape { %s } }"
STEPS_OF_FIVE = layer("Reshape", "r", "s", RESHAPED % "dim: 4 dim: 3 dim: 5")
STATIC = layer("Reshape", "r", "s", RESHAPED % "dim: 3 dim: 5")
SCALED = FRAMES + CONT + lstm("x", "h") + layer("Scale", "h f", "y", "scale_param { axis: %d }")
BIASED = FRAMES + CONT + lstm("x", "h") + layer("Bias", "h f", "y", "bias_param { axis: %d }")
CUT = layer("Slice", "x", "a b c d", "slice_param { axis: 0 }")
THREE = fed("x", 4, 3, 5)

# The inputs whose batch is the second axis.
SECOND_AXIS = {
    "rows counted into steps": (fed("r", 12, 5) + CONT + STEPS_OF_FIVE + lstm("s", "h"), "cont"),
    "numbers parted behind the steps": (
        fed("r", 4, 3, 10)
        + CONT
        + layer("Reshape", "r", "s", RESHAPED % "dim: 0 dim: 0 dim: 5 dim: 2")
        + lstm("s", "h"),
        "cont r",
    ),
    "factors for each stream": (fed("f", 3, 2) + SCALED % 1, "cont x"),
    "factors for each step and stream": (fed("f", 4, 3) + SCALED % 0, "cont f x"),
    "factors from the third axis counted back": (fed("f", 4, 3) + SCALED % -3, "cont f x"),
    "factors from the second axis counted back": (fed("f", 3, 2) + SCALED % -2, "cont x"),
    "terms for each stream": (fed("f", 3, 2) + BIASED % 1, "cont x"),
    "terms for each step and stream": (fed("f", 4, 3) + BIASED % 0, "cont f x"),
    "learned factors for each value": (
        THREE + CONT + layer("Scale", "x", "s", "scale_param { axis: 2 }") + lstm("s", "h"),
        "cont x",
    ),
    "a static input beside the steps": (
        THREE + CONT + fed("r", 1, 3, 5) + STATIC + recurrent("x cont s", "h"),
        "cont r x",
    ),
    "a state reshaped, not a static input": (
        THREE
        + CONT
        + fed("r", 1, 3, 2)
        + fed("c", 1, 3, 2)
        + layer("Reshape", "r", "s", RESHAPED % "dim: 1 dim: 3 dim: 2")
        + recurrent("x cont s c", "h hn cn"),
        "c cont r x",
    ),
    "an RNN": (THREE + CONT + recurrent("x cont", "h", "RNN"), "cont x"),
    "an RNN with its state": (
        THREE + CONT + fed("c", 1, 3, 2) + recurrent("x cont c", "h hn", "RNN"),
        "c cont x",
    ),
    "an RNN with a static input": (
        THREE + CONT + fed("r", 1, 3, 5) + STATIC + recurrent("x cont s", "h", "RNN"),
        "cont r x",
    ),
    "steps with a product before the cut": (
        THREE + dense("x", "i") + layer("Slice", "i", "a b c d", "slice_param { axis: 0 }"),
        "x",
    ),
    "steps with a product behind the cut": (THREE + CUT + dense("b", "i"), "x"),
    "steps with a product over the streams": (THREE + CUT + dense("b", "i", axis=1), ""),
    "steps with a product over the last axis": (THREE + CUT + dense("b", "i", axis=-1), "x"),
    "pairs of steps": (
        THREE
        + layer("Slice", "x", "a b", "slice_param { axis: 0 }")
        + dense("a", "i")
        + dense("b", "j"),
        "",
    ),
    "a cut across the streams": (
        fed("x", 3, 3, 5)
        + layer("Slice", "x", "a b c", "slice_param { axis: 1 }")
        + dense("a", "i"),
        "",
    ),
    "one step": (
        fed("x", 1, 3, 5) + layer("Slice", "x", "a", "slice_param { axis: 0 }") + dense("a", "i"),
        "",
    ),
    "a sum of two sequences": (
        THREE + CONT + fed("z", 4, 3, 5) + layer("Eltwise", "x z", "y") + lstm("y", "h"),
        "cont x z",
    ),
    "a permuted sequence": (
        fed("r", 3, 4, 5)
        + CONT
        + layer("Permute", "r", "s", "permute_param { order: 1 order: 0 order: 2 }")
        + lstm("s", "h"),
        "cont",
    ),
    "a transposed sequence": (
        fed("r", 3, 4, 5)
        + CONT
        + layer("Transpose", "r", "s", "transpose_param { dim: [1, 0, 2] }")
        + lstm("s", "h"),
        "cont",
    ),
    "a mean over the values": (
        THREE
        + CONT
        + layer("Reduction", "x", "y", "reduction_param { axis: 2 }")
        + fed("z", 4, 3)
        + layer("Eltwise", "y z", "s")
        + lstm("x", "h"),
        "cont x",
    ),
    "a convolution before the steps": (
        FRAMES.replace("dim: 2 dim: 3 dim: 2", "dim: 5 dim: 4")
        + CONT
        + layer("Pooling", "x", "p", "pooling_param { kernel_size: 2 }")
        + lstm("p", "h"),
        "cont",
    ),
}


def write(folder: Path, text: str) -> Path:
    path = folder / "net.prototxt"
    path.write_text(text)
    return path


def verified(folder: Path, text: str, **options: object) -> int | None:
    path = write(folder, text)
    report = convert(path, None, folder / "net.h5", **options)
    result = verify(report.output, oracle=(path, None))
    assert result.ok, str(result)
    return report.static_batch


@pytest.mark.backend
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("net", FREE)
def test_the_batch_stays_free_through_time(net: str, data_format: str, tmp_path: Path) -> None:
    assert verified(tmp_path, FREE[net], data_format=data_format) is None


# With a time of one step before or behind the reshape.
ONE_STEP = {
    "a static input without its time": SECOND_AXIS["a static input beside the steps"][0],
    "a state from rows": (
        THREE
        + CONT
        + fed("r", 3, 2)
        + layer("Reshape", "r", "s", RESHAPED % "dim: 1 dim: 3 dim: 2")
        + recurrent("x cont s", "h hn", "RNN")
    ),
    "a state from images": (
        THREE
        + CONT
        + fed("r", 3, 2, 1, 1)
        + layer("Reshape", "r", "s", RESHAPED % "dim: 1 dim: 3 dim: 2")
        + recurrent("x cont s", "h hn", "RNN")
    ),
    "values merged behind the steps": (
        FRAMES
        + CONT
        + layer("Reshape", "x", "s", RESHAPED % "dim: 4 dim: 3 dim: 12")
        + lstm("s", "h")
    ),
}


@pytest.mark.backend
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("net", ONE_STEP)
def test_a_step_comes_and_goes_and_the_batch_stays_free(
    net: str, data_format: str, tmp_path: Path
) -> None:
    assert verified(tmp_path, ONE_STEP[net], data_format=data_format) is None


@pytest.mark.backend
@pytest.mark.parametrize("net", TIED)
def test_layers_that_mix_the_batch_tie_it_down(net: str, tmp_path: Path) -> None:
    assert verified(tmp_path, TIED[net]) == N


@pytest.mark.backend
@pytest.mark.parametrize("kind", MIXING)
def test_what_mixes_the_second_axis_ends_in_a_static_batch_and_a_notice(
    kind: str, tmp_path: Path
) -> None:
    path = write(tmp_path, IMAGES + MIXING[kind])
    report = convert(path, None, tmp_path / "net.h5", batch_axes={"x": 1})
    assert report.static_batch == N
    assert any("mixes the batch's entries" in note.text for note in report.notes)
    result = verify(report.output, oracle=(path, None))
    assert result.ok, str(result)


@pytest.mark.backend
@pytest.mark.parametrize("kind", KEEPING)
def test_what_keeps_the_second_axis_holds_for_any_batch(kind: str, tmp_path: Path) -> None:
    path = write(tmp_path, IMAGES + KEEPING[kind])
    report = convert(path, None, tmp_path / "net.h5", batch_axes={"x": 1})
    assert report.static_batch is None
    x = np.random.default_rng(3).standard_normal((4, 7, 5, 6))
    result = verify(report.output, oracle=(path, None), inputs={"x": x.astype("float32")})
    assert result.ok, str(result)


@pytest.mark.parametrize("net", FREE)
def test_inputs_become_batch_major(net: str, tmp_path: Path) -> None:
    model = map_net(load_net(write(tmp_path, FREE[net])))
    assert all(b.layout.permutation[:2] == (1, 0) for b in model.blobs if b.tensor in model.inputs)


@pytest.mark.parametrize("net", SECOND_AXIS)
def test_which_inputs_have_the_time_first(net: str, tmp_path: Path) -> None:
    text, inputs = SECOND_AXIS[net]
    axes = batch_axes(load_net(write(tmp_path, text)), {})
    assert dict(axes) == dict.fromkeys(inputs.split(), 1)


def test_what_the_user_names_counts_more_than_what_is_inferred(tmp_path: Path) -> None:
    net = load_net(write(tmp_path, THREE + CONT + lstm("x", "h")))
    assert dict(batch_axes(net, {"x": 2})) == {"cont": 1, "x": 2}
    assert dict(batch_axes(net, {"x": 0})) == {"cont": 1, "x": 0}


def test_a_slice_of_a_batch_is_not_taken_for_steps(tmp_path: Path) -> None:
    text = FRAMES + UNIT_SLICE + "".join(layer("TanH", each, f"i{each}") for each in "abcd")
    model = map_net(load_net(write(tmp_path, text)))
    assert model.blobs[0].layout.permutation[0] == 0
    assert model.static_batch == T


@pytest.mark.backend
def test_the_user_names_the_batch_axis(tmp_path: Path) -> None:
    text = FRAMES + dense("x", "y", axis=3)
    assert verified(tmp_path, text, batch_axes={"x": 2}) is None
    model = map_net(load_net(write(tmp_path, text)), batch_axes={"x": 2})
    assert model.blobs[0].layout.permutation == (2, 0, 1, 3, 4)
    model = map_net(load_net(write(tmp_path, CAPTION)), batch_axes={"x": 0, "cont": 0})
    assert model.static_batch == T


@pytest.mark.parametrize(
    ("blob", "axis", "why"), [("y", 1, "its inputs are x"), ("x", 5, "0 to 4")]
)
def test_a_batch_axis_that_is_not_there(blob: str, axis: int, why: str, tmp_path: Path) -> None:
    net = load_net(write(tmp_path, FRAMES + dense("x", "y")))
    with pytest.raises(InputError) as caught:
        map_net(net, batch_axes={blob: axis})
    assert why in caught.value.why


def test_blobs_of_unknown_shape_do_not_disturb(tmp_path: Path) -> None:
    text = CAPTION + layer("Mystery", "x", "m") + layer("TanH", "m", "n")
    attempt = try_net(load_net(write(tmp_path, text)))
    assert [refusal.layer.name for refusal in attempt.refusals] == ["m"]
