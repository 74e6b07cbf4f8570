"""Every way to write an LSTM out rolls into the same numbers; what only looks like one stays."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path

import h5py
import numpy as np
import pytest

from caffe2keras.convert import convert, load_net
from caffe2keras.graph.net import Net
from caffe2keras.verify import verify
from caffe2keras.verify.oracle import run

N, D, S, H = 2, 5, 3, 4

FILLER = 'weight_filler { type: "gaussian" std: 0.4 } bias_filler { type: "gaussian" std: 0.4 }'


def layer(kind: str, bottoms: str, tops: str, params: str = "", names: str = "") -> str:
    wires = [f'bottom: "{b}"' for b in bottoms.split()] + [f'top: "{t}"' for t in tops.split()]
    shared = [f'param {{ name: "{name}" }}' for name in names.split()]
    said = " ".join([*wires, *shared, params])
    return f'layer {{ name: "{tops.split()[0]}" type: "{kind}" {said} }}\n'


def an_input(name: str, *shape: int) -> str:
    dims = " ".join(f"dim: {size}" for size in shape)
    return layer("Input", "", name, f"input_param {{ shape {{ {dims} }} }}")


@dataclass(frozen=True)
class Written:
    """How an LSTM is written out."""

    unit: bool = False  # LSTMUnit in place of gates and products
    cont: bool = False
    static: str = ""  # "(1, N, S)", or "(N, S)" and a Reshape behind the product
    at_once: bool = False  # the product with x before the time is cut
    bias_x: bool = True
    bias_h: bool = False
    joined: bool = True
    cell_read: bool = False
    state: str = "zero"
    gates: str = "ifog"
    swapped: bool = False  # the bottoms of every sum and product
    nested: bool = False  # sums of sums
    in_place: bool = True
    transpose: bool = False
    steps: int = 3

    def dense(self, bottom: str, top: str, names: str, bias: bool, axis: int = 2) -> str:
        params = (
            f"inner_product_param {{ num_output: {4 * H} axis: {axis} {FILLER} "
            f"bias_term: {str(bias).lower()} transpose: {str(self.transpose).lower()} }}"
        )
        return layer("InnerProduct", bottom, top, params, names)

    def merge(self, operation: str, bottoms: str, top: str) -> str:
        ordered = bottoms.split()[::-1] if self.swapped else bottoms.split()
        params = f"eltwise_param {{ operation: {operation} }}"
        return layer("Eltwise", " ".join(ordered), top, params)

    def head(self) -> str:
        text = an_input("x", self.steps, N, D)
        if self.cont:
            text += an_input("cont", self.steps, N)
            text += layer("Slice", "cont", self.of_steps("on"), "slice_param { axis: 0 }")
        elif self.unit:
            shape = f"shape {{ dim: 1 dim: {N} }} data_filler {{ value: 1 }}"
            text += layer("DummyData", "", "ones", f"dummy_data_param {{ {shape} }}")
        if self.state == "fed":
            return text + an_input("h0", 1, N, H) + an_input("c0", 1, N, H)
        value = {"zero": 0, "constant": 0.5}[self.state]
        shape = f"shape {{ dim: 1 dim: {N} dim: {H} }} data_filler {{ value: {value} }}"
        return text + layer("DummyData", "", "h0 c0", f"dummy_data_param {{ {shape} {shape} }}")

    def of_steps(self, name: str) -> str:
        return " ".join(f"{name}{t}" for t in range(self.steps))

    def static_text(self) -> str:
        if self.static == "(1, N, S)":
            return an_input("s", 1, N, S) + self.dense("s", "ws", "Z z", bias=True)
        text = an_input("s", N, S) + self.dense("s", "flat", "Z z", bias=True, axis=1)
        shape = f"reshape_param {{ shape {{ dim: 1 dim: -1 dim: {4 * H} }} }}"
        return text + layer("Reshape", "flat", "ws", shape)

    def text(self) -> str:
        text = self.head() + (self.static_text() if self.static else "")
        source = "x"
        if self.at_once:
            source = "wx"
            text += self.dense("x", source, "W b", self.bias_x)
        text += layer("Slice", source, self.of_steps("x_"), "slice_param { axis: 0 }")
        text += "".join(self.step(t) for t in range(self.steps))
        if self.joined:
            steps = " ".join(f"h{t + 1}" for t in range(self.steps))
            text += layer("Concat", steps, "H", "concat_param { axis: 0 }")
        return text + (layer("ReLU", f"c{self.steps}", "y") if self.cell_read else "")

    def step(self, t: int) -> str:
        driven = f"x_{t}" if self.at_once else f"s{t}x"
        text = "" if self.at_once else self.dense(f"x_{t}", driven, "W b", self.bias_x)
        hidden, cell = f"h{t}", f"c{t}"
        if self.cont:
            hidden = f"s{t}h_on"
            text += layer("Scale", f"h{t} on{t}", hidden, "scale_param { axis: 0 }")
            if not self.unit:
                cell = f"s{t}c_on"
                text += layer("Scale", f"c{t} on{t}", cell, "scale_param { axis: 0 }")
        text += self.dense(hidden, f"s{t}h", "U v", self.bias_h)
        text += self.gathered(t, driven)
        if self.unit:
            cont = f"on{t}" if self.cont else "ones"
            return text + layer("LSTMUnit", f"c{t} s{t}z {cont}", f"c{t + 1} h{t + 1}")
        return text + self.cell(t, cell)

    def gathered(self, t: int, driven: str) -> str:
        if not self.static:
            return self.merge("SUM", f"{driven} s{t}h", f"s{t}z")
        if not self.nested:
            return self.merge("SUM", f"{driven} s{t}h ws", f"s{t}z")
        inner = self.merge("SUM", f"{driven} ws", f"s{t}in")
        return inner + self.merge("SUM", f"s{t}in s{t}h", f"s{t}z")

    def cell(self, t: int, before: str) -> str:
        s, done = f"s{t}", "" if self.in_place else "_"
        raw = " ".join(f"{s}{gate}" for gate in self.gates)
        text = layer("Slice", f"{s}z", raw, "slice_param { axis: -1 }")
        for gate in self.gates:
            kind = "TanH" if gate == "g" else "Sigmoid"
            text += layer(kind, f"{s}{gate}", f"{s}{gate}{done}")
        i, f, o, g = (f"{s}{gate}{done}" for gate in "ifog")
        text += self.merge("PROD", f"{f} {before}", f"{s}kept")
        text += self.merge("PROD", f"{i} {g}", f"{s}new")
        text += self.merge("SUM", f"{s}kept {s}new", f"c{t + 1}")
        text += layer("TanH", f"c{t + 1}", f"{s}act")
        return text + self.merge("PROD", f"{o} {s}act", f"h{t + 1}")


CHOICES = {
    "unit": (False, True), "cont": (False, True), "static": ("", "(1, N, S)", "(N, S)"),
    "at_once": (False, True), "bias_x": (True, False), "bias_h": (False, True),
    "joined": (True, False), "cell_read": (False, True), "state": ("zero", "constant", "fed"),
}  # fmt: skip


def varied(place: int, values: tuple[object, ...]) -> Written:
    """The combination, with what does not change the wiring's kind taken in turn."""
    chosen = dict(zip(CHOICES, values, strict=True))
    return Written(
        **chosen,
        gates=("ifog", "gofi", "figo", "ogif", "gifo")[place % 5],
        swapped=place % 2 > 0,
        nested=place % 3 > 0,
        in_place=place % 4 > 1,
        transpose=place % 7 > 3,
        steps=(3, 2, 4)[place % 3],
    )


ALL = [varied(place, values) for place, values in enumerate(product(*CHOICES.values()))]
PART = ALL[::37]


def name_of(written: Written) -> str:
    said = ((f.name, getattr(written, f.name), f.default) for f in fields(written))
    return ", ".join(f"{name}={value}" for name, value, usual in said if value != usual)


def read(folder: Path, text: str, **options: str) -> Net:
    path = folder / "net.prototxt"
    path.write_text(text)
    return load_net(path, **options)


def kinds(net: Net) -> list[str]:
    return [layer.type for layer in net.layers]


def fed(net: Net) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    shapes = {blob.name: blob.shape for blob in net.inputs}
    drawn = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    return {**drawn, **{c: rng.integers(2, size=shapes[c]) for c in ("cont",) if c in shapes}}


def outputs(net: Net, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    blobs = run(net, inputs, dtype=np.float64)
    return {blob.name: blobs[blob.key] for blob in net.outputs}


@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize("cont", [False, True])
@pytest.mark.parametrize("static", CHOICES["static"])
def test_every_combination_rolls_into_the_same_numbers(
    unit: bool, cont: bool, static: str, tmp_path: Path
) -> None:
    mine = [w for w in ALL if (w.unit, w.cont, w.static) == (unit, cont, static)]
    assert len(mine) == 2**5 * 3
    for written in mine:
        rolled = read(tmp_path, written.text())
        assert kinds(rolled).count("LSTM") == 1, name_of(written)
        assert not {"LSTMUnit", "Sigmoid", "TanH", "Eltwise"} & set(kinds(rolled))
        kept = read(tmp_path, written.text(), recurrent="keep")
        inputs = fed(kept)
        expected, answer = outputs(kept, inputs), outputs(rolled, inputs)
        assert set(expected) == set(answer)
        for blob, array in expected.items():
            np.testing.assert_allclose(
                answer[blob], array, err_msg=name_of(written), rtol=1e-6, atol=1e-6
            )


@pytest.mark.backend
@pytest.mark.parametrize("recurrent", ["roll", "keep"])
@pytest.mark.parametrize("written", PART, ids=name_of)
def test_both_ways_compute_the_numbers_of_the_oracle(
    written: Written, recurrent: str, tmp_path: Path
) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(written.text())
    report = convert(path, None, tmp_path / "net.h5", recurrent=recurrent)
    result = verify(report.output, oracle=(path, None))
    assert result.ok, str(result)
    assert not result.missing_outputs
    free = written.state != "constant" and (written.cont or not written.unit)
    assert (report.static_batch is None) or not free or recurrent == "keep"


def without(text: str, old: str, new: str, count: int = 1) -> str:
    assert text.count(old) == count, text
    return text.replace(old, new)


PLAIN = Written().text()
UNIT = Written(unit=True, cont=True).text()
SCALED = Written(cont=True).text()
STATIC = Written(static="(N, S)").text()

NEAR = {
    "one step with weights of its own": without(
        PLAIN,
        'bottom: "h1" top: "s1h" param { name: "U" }',
        'bottom: "h1" top: "s1h" param { name: "V" }',
    ),
    "one step with an input weight of its own": without(
        PLAIN,
        'bottom: "x_2" top: "s2x" param { name: "W" }',
        'bottom: "x_2" top: "s2x" param { name: "V" }',
    ),
    "a fifth part beside the gates": PLAIN.replace("num_output: 16", "num_output: 20")
    .replace(' slice_param { axis: -1', ' top: "%" slice_param { axis: -1')
    .replace("%", "p0", 1).replace("%", "p1", 1).replace("%", "p2", 1),
    "a coefficient": without(
        PLAIN,
        'bottom: "s1kept" bottom: "s1new" top: "c2" eltwise_param {',
        'bottom: "s1kept" bottom: "s1new" top: "c2" eltwise_param { coeff: 1 coeff: 0.5',
    ),
    "a coefficient in the sum before the gates": without(
        PLAIN,
        'bottom: "s1x" bottom: "s1h" top: "s1z" eltwise_param {',
        'bottom: "s1x" bottom: "s1h" top: "s1z" eltwise_param { coeff: 2 coeff: 1',
    ),
    "a gate read elsewhere": PLAIN + layer("ReLU", "s1f", "y"),
    "a sum read elsewhere": PLAIN + layer("ReLU", "s2z", "y"),
    "a scaled state read elsewhere": SCALED + layer("ReLU", "s1h_on", "y"),
    "an inner cell read elsewhere": UNIT + layer("ReLU", "c1", "y"),
    "a gate in place of the first cell": without(
        PLAIN, 'bottom: "s0f" bottom: "c0"', 'bottom: "s0f" bottom: "s0g"'
    ),
    "h and c swapped": without(PLAIN, 'bottom: "s1f" bottom: "c1"', 'bottom: "s1f" bottom: "h1"'),
    "c in place of h": without(PLAIN, 'bottom: "h1" top: "s1h"', 'bottom: "c1" top: "s1h"'),
    "the state of an older step": without(
        PLAIN, 'bottom: "h2" top: "s2h"', 'bottom: "h1" top: "s2h"'
    ),
    "steps out of order": without(PLAIN, 'bottom: "x_0"', 'bottom: "x__"')
    .replace('bottom: "x_2"', 'bottom: "x_0"')
    .replace('bottom: "x__"', 'bottom: "x_2"'),
    "a step taken twice": without(PLAIN, 'bottom: "x_2"', 'bottom: "x_1"'),
    "another initial state at a later step": without(
        PLAIN, 'bottom: "h1" top: "s1h"', 'bottom: "h0" top: "s1h"'
    ),
    "one gate with another activation": without(
        PLAIN, 'name: "s1o" type: "Sigmoid"', 'name: "s1o" type: "TanH"'
    ),
    "a cell with another activation": without(
        PLAIN, 'name: "s1act" type: "TanH"', 'name: "s1act" type: "Sigmoid"'
    ),
    "the largest in place of the sum": without(
        PLAIN,
        'bottom: "s1x" bottom: "s1h" top: "s1z" eltwise_param { operation: SUM }',
        'bottom: "s1x" bottom: "s1h" top: "s1z" eltwise_param { operation: MAX }',
    ),
    "gates in another order at one step": without(
        PLAIN, 'top: "s1i" top: "s1f"', 'top: "s1f" top: "s1i"'
    ),
    "a cont that scales the cell alone": without(
        UNIT, 'bottom: "s1h_on" top: "s1h"', 'bottom: "h1" top: "s1h"'
    ),
    "a cont that scales the state alone": without(
        SCALED, 'bottom: "s1f" bottom: "s1c_on"', 'bottom: "s1f" bottom: "c1"'
    ),
    "conts out of order": without(UNIT, 'bottom: "on1"', 'bottom: "on__"', 2)
    .replace('bottom: "on2"', 'bottom: "on1"')
    .replace('bottom: "on__"', 'bottom: "on2"'),
    "two conts": without(
        UNIT, 'bottom: "h1" bottom: "on1"', 'bottom: "h1" bottom: "on2"'
    ),
    "a static input at some steps": without(
        STATIC, 'bottom: "s1h" bottom: "ws"', 'bottom: "s1h" bottom: "s1x"'
    ),
    "a static input taken twice in place of x": without(
        STATIC, 'bottom: "s1x" bottom: "s1h" bottom', 'bottom: "ws" bottom: "s1h" bottom'
    ),
    "a static input that is squashed": without(
        STATIC, 'bottom: "flat" top: "ws"', 'bottom: "bent" top: "ws"'
    ).replace('layer { name: "ws"', layer("ReLU", "flat", "bent") + 'layer { name: "ws"'),
}  # fmt: skip


SEPARATE = re.sub(r'param \{ name: "\w" \} ?', "", Written(static="(N, S)").text())


def with_weights(folder: Path, change: float) -> Net:
    """The net without shared parameters; its weights from a file, those of one step changed."""
    path = folder / "net.prototxt"
    path.write_text(SEPARATE)
    rng = np.random.default_rng(11)
    drawn: dict[tuple[str, tuple[int, ...]], np.ndarray] = {}
    with h5py.File(folder / "net.caffemodel.h5", "w") as file:
        for one in load_net(path, recurrent="keep").layers:
            for index, weight in enumerate(one.weights):
                kind = one.name.lstrip("s012"), weight.shape
                array = drawn.setdefault(kind, rng.standard_normal(weight.shape))
                more = change if one.name == "s1h" else 0
                file[f"data/{one.name}/{index}"] = (array + more).astype("float32")
    return load_net(path, folder / "net.caffemodel.h5")


def test_equal_weights_of_a_file_need_no_shared_names(tmp_path: Path) -> None:
    net = with_weights(tmp_path, 0)
    assert kinds(net).count("LSTM") == 1
    assert any("were not shared till now" in note.text for note in net.notes)
    assert "LSTM" not in kinds(with_weights(tmp_path, 1e-3))


def test_equal_fillings_are_no_shared_weights(tmp_path: Path) -> None:
    text = SEPARATE.replace('type: "gaussian" std: 0.4', 'type: "constant" value: 0.5')
    assert "LSTM" not in kinds(read(tmp_path, text))


@pytest.mark.parametrize("case", NEAR)
def test_what_only_looks_like_one_stays_as_it_is(case: str, tmp_path: Path) -> None:
    net = read(tmp_path, NEAR[case])
    assert "LSTM" not in kinds(net)
    kept = read(tmp_path, NEAR[case], recurrent="keep")
    assert kinds(net) == kinds(kept)
    inputs = fed(net)
    expected, answer = outputs(kept, inputs), outputs(net, inputs)
    assert all(np.array_equal(answer[blob], array) for blob, array in expected.items())
    # where no step is one at all, there is nothing to explain
    told = any("stays as it is" in note.text for note in net.notes)
    assert told or case == "a fifth part beside the gates"


@pytest.mark.backend
@pytest.mark.parametrize("case", list(NEAR)[::3])
def test_it_is_converted_step_by_step_then(case: str, tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(NEAR[case])
    report = convert(path, None, tmp_path / "net.h5")
    result = verify(report.output, oracle=(path, None))
    assert result.ok, str(result)
