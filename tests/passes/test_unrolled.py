"""An LSTM written out step by step is one layer, in whatever way it is written; nothing else is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from caffe2keras.convert import convert, load_net
from caffe2keras.graph.net import Net
from caffe2keras.verify import verify

T, N, H = 3, 2, 4

FILLER = 'weight_filler { type: "gaussian" std: 0.4 } bias_filler { type: "gaussian" std: 0.4 }'


def layer(kind: str, bottoms: str, tops: str, params: str = "", names: str = "") -> str:
    wires = [f'bottom: "{b}"' for b in bottoms.split()] + [f'top: "{t}"' for t in tops.split()]
    shared = [f'param {{ name: "{name}" }}' for name in names.split()]
    said = " ".join([*wires, *shared, params])
    return f'layer {{ name: "{tops.split()[0]}" type: "{kind}" {said} }}\n'


def merge(operation: str, bottoms: str, top: str) -> str:
    return layer("Eltwise", bottoms, top, f"eltwise_param {{ operation: {operation} }}")


@dataclass(frozen=True)
class Written:
    """How an LSTM is written out."""

    gates: str = "ifog"
    swapped: bool = False  # the bottoms of every sum and product
    at_once: bool = False  # the product with x before the time is cut
    bias_x: bool = True
    bias_h: bool = False
    transpose: bool = False
    in_place: bool = True
    joined: bool = True
    state: float = 0.0
    shared: bool = True
    x: str = "x"
    name: str = ""

    def dense(self, bottom: str, top: str, names: str, bias: bool) -> str:
        params = (
            f"inner_product_param {{ num_output: {4 * H} axis: 2 {FILLER} "
            f"bias_term: {str(bias).lower()} transpose: {str(self.transpose).lower()} }}"
        )
        return layer("InnerProduct", bottom, top, params, names if self.shared else "")

    def merge(self, operation: str, bottoms: str, top: str) -> str:
        ordered = bottoms.split()[::-1] if self.swapped else bottoms.split()
        return merge(operation, " ".join(ordered), top)

    def text(self, *, state: bool = True) -> str:
        n = self.name
        fill = f"data_filler {{ value: {self.state} }}"
        text = "".join(
            layer(
                "DummyData",
                "",
                f"{n}{blob}0",
                f"dummy_data_param {{ shape {{ dim: 1 dim: {N} dim: {H} }} {fill} }}",
            )
            for blob in ("hc" if state else "")
        )
        source = self.x
        if self.at_once:
            source = f"{n}wx"
            text += self.dense(self.x, source, f"{n}W {n}b", self.bias_x)
        cuts = " ".join(f"{n}x{t}" for t in range(T))
        text += layer("Slice", source, cuts, "slice_param { axis: 0 }")
        text += "".join(self.step(t) for t in range(T))
        steps = " ".join(f"{n}h{t + 1}" for t in range(T))
        join = layer("Concat", steps, f"{n}H", "concat_param { axis: 0 }")
        return text + join if self.joined else text

    def step(self, t: int) -> str:
        n, s = self.name, f"{self.name}s{t}"
        driven = f"{n}x{t}" if self.at_once else f"{s}x"
        text = "" if self.at_once else self.dense(f"{n}x{t}", driven, f"{n}W {n}b", self.bias_x)
        text += self.dense(f"{n}h{t}", f"{s}h", f"{n}U {n}v", self.bias_h)
        text += self.merge("SUM", f"{driven} {s}h", f"{s}z")
        raw = " ".join(f"{s}{gate}" for gate in self.gates)
        text += layer("Slice", f"{s}z", raw, "slice_param { axis: -1 }")
        done = "" if self.in_place else "_"
        for gate in "ifo":
            text += layer("Sigmoid", f"{s}{gate}", f"{s}{gate}{done}")
        text += layer("TanH", f"{s}g", f"{s}g{done}")
        i, f, o, g = (f"{s}{gate}{done}" for gate in "ifog")
        text += self.merge("PROD", f"{f} {n}c{t}", f"{s}kept")
        text += self.merge("PROD", f"{i} {g}", f"{s}new")
        text += self.merge("SUM", f"{s}kept {s}new", f"{n}c{t + 1}")
        text += layer("TanH", f"{n}c{t + 1}", f"{s}act")
        return text + self.merge("PROD", f"{o} {s}act", f"{n}h{t + 1}")


X = (
    'layer { name: "x" type: "Input" top: "x" '
    "input_param { shape { dim: 3 dim: 2 dim: 5 dim: 2 } } }\n"
)
PLAIN = Written()

FED = "".join(
    f'layer {{ name: "{blob}" type: "Input" top: "{blob}" '
    f"input_param {{ shape {{ dim: 1 dim: {N} dim: {H} }} }} }}\n"
    for blob in ("h0", "c0")
)

ROLLED = {
    "as the seed has it": X + PLAIN.text(),
    "gates in another order": X + replace(PLAIN, gates="gofi").text(),
    "sums and products the other way round": X + replace(PLAIN, swapped=True).text(),
    "the input's product all at once": X + replace(PLAIN, at_once=True).text(),
    "the bias on the state": X + replace(PLAIN, bias_x=False, bias_h=True).text(),
    "a bias on both": X + replace(PLAIN, bias_h=True, gates="fiog").text(),
    "no bias": X + replace(PLAIN, bias_x=False).text(),
    "transposed weights": X + replace(PLAIN, transpose=True).text(),
    "gates not in place": X + replace(PLAIN, in_place=False).text(),
    "the last state alone": X + replace(PLAIN, joined=False).text() + layer("ReLU", "h3", "y"),
    "the sequence and a state": X + PLAIN.text() + layer("ReLU", "h2", "y"),
    "the last cell read too": X + PLAIN.text() + layer("ReLU", "c3", "y"),
    "a constant state to begin with": X + replace(PLAIN, state=0.5).text(),
    "a state that is fed": X + FED + PLAIN.text(state=False),
    "steps of the input read elsewhere": X + PLAIN.text() + layer("ReLU", "x1", "y"),
    "states before that are read elsewhere": X + PLAIN.text() + layer("ReLU", "c0", "y"),
}

STACKS = {
    "one behind the other": X + PLAIN.text() + replace(PLAIN, x="H", name="second_").text(),
    "side by side": X + PLAIN.text() + replace(PLAIN, name="second_", gates="fgio").text(),
}

KEPT = {
    "inside a step is read elsewhere": X + PLAIN.text() + layer("ReLU", "s1f", "y"),
    'blob "c2" inside': X + PLAIN.text() + layer("ReLU", "c2", "y"),
    "other weights": X + replace(PLAIN, shared=False).text(),
    "in their order": X + PLAIN.text().replace('bottom: "x0"', 'bottom: "x2"'),
}


def read(folder: Path, text: str) -> Net:
    path = folder / "net.prototxt"
    path.write_text(text)
    return load_net(path)


def kinds(net: Net) -> list[str]:
    return [layer.type for layer in net.layers]


@pytest.mark.parametrize("case", ROLLED)
def test_it_becomes_one_layer(case: str, tmp_path: Path) -> None:
    net = read(tmp_path, ROLLED[case])
    assert kinds(net).count("LSTM") == 1
    assert not {"Eltwise", "Sigmoid", "TanH"} & set(kinds(net))
    assert any("over 3 steps" in note.text for note in net.notes)


@pytest.mark.parametrize("case", STACKS)
def test_each_of_several_becomes_one_layer(case: str, tmp_path: Path) -> None:
    net = read(tmp_path, STACKS[case])
    assert kinds(net).count("LSTM") == 2
    assert "Eltwise" not in kinds(net)


@pytest.mark.parametrize("reason", KEPT)
def test_it_stays_unrolled_and_the_report_says_why(reason: str, tmp_path: Path) -> None:
    net = read(tmp_path, KEPT[reason])
    assert "LSTM" not in kinds(net)
    assert any("stays as it is" in note.text and reason in note.text for note in net.notes)


def test_the_user_may_keep_it(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(X + PLAIN.text())
    assert "LSTM" not in kinds(load_net(path, recurrent="keep"))


@pytest.mark.parametrize("change", ["coeff: 1 coeff: 0.5", "operation: MAX"])
def test_another_cell_is_no_lstm(change: str, tmp_path: Path) -> None:
    cell = merge("SUM", "s1kept s1new", "c2")
    other = cell.replace("operation: SUM", change)
    text = X + PLAIN.text()
    assert cell in text
    assert "LSTM" not in kinds(read(tmp_path, text.replace(cell, other)))


@pytest.mark.backend
@pytest.mark.parametrize("case", [*ROLLED, *STACKS])
def test_the_layer_computes_what_the_steps_do(case: str, tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text({**ROLLED, **STACKS}[case])
    report = convert(path, None, tmp_path / "net.h5")
    result = verify(report.output, oracle=(path, None))
    assert result.ok, str(result)
    assert not result.missing_outputs
    constant = case in ("states before that are read elsewhere", "a constant state to begin with")
    assert (report.static_batch is None) is not constant


@pytest.mark.backend
@pytest.mark.parametrize("case", KEPT)
def test_kept_steps_compute_what_they_did(case: str, tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(KEPT[case])
    report = convert(path, None, tmp_path / "net.h5")
    assert verify(report.output, oracle=(path, None)).ok
