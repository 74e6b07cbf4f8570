"""Genuine Caffe's numbers: every recorded case converts and verifies, in both data formats."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

from caffe2keras.convert import convert
from caffe2keras.read.blobs import read_blobs
from caffe2keras.record import read_record
from caffe2keras.verify import verify

FIXTURES = Path(__file__).parents[1] / "fixtures"

CASES = [
    path.parent
    for folder in ("layers", "layers_ssd")
    for path in sorted((FIXTURES / folder).glob("*/net.prototxt"))
]

pytestmark = pytest.mark.backend


def weights_of(case: Path) -> Path | None:
    path = case / "net.caffemodel"
    return path if path.exists() else None


def test_there_are_cases_to_convert() -> None:
    assert len(CASES) > 250


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_converted_net_computes_caffes_numbers(
    case: Path, data_format: str, tmp_path: Path
) -> None:
    report = convert(
        case / "net.prototxt", weights_of(case), tmp_path / "net.h5", data_format=data_format
    )
    warned = [note for note in report.notes if note.kind == "warning"]
    if keras.backend.backend() == "tensorflow" and warned:
        pytest.skip(f"a fault of Keras on TensorFlow, which the report tells: {warned[0]}")
    result = verify(report.output, case / "blobs.npz")
    assert result.ok, str(result)
    assert not result.missing_outputs


UNROLLED = [case for case in CASES if case.name.startswith("unrolled_lstm")]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("case", UNROLLED, ids=lambda case: case.name)
def test_an_unrolled_lstm_may_keep_its_steps(case: Path, data_format: str, tmp_path: Path) -> None:
    files = case / "net.prototxt", weights_of(case), tmp_path / "net.h5"
    report = convert(*files, data_format=data_format, recurrent="keep")
    assert report.layers > 30
    result = verify(report.output, case / "blobs.npz")
    assert result.ok, str(result)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_recorded_blob_has_a_place_in_the_record(case: Path, tmp_path: Path) -> None:
    files = case / "net.prototxt", weights_of(case), tmp_path / "net.h5"
    report = convert(*files, recurrent="keep")
    recorded = set(read_blobs(case / "blobs.npz").outputs)
    absorbed = {"b"} if case.name.startswith("batch_norm") else set()
    unneeded = {note.subject for note in report.notes if note.kind == "dropped"}
    assert recorded - absorbed - unneeded <= {
        entry.blob for entry in read_record(report.output).blobs
    }
