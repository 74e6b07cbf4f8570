import json
import pickle

import pytest

from caffe2keras.errors import VerificationError
from caffe2keras.verify.compare import Difference, Tolerance
from caffe2keras.verify.report import BlobResult, NotCompared, VerificationReport

GOOD = BlobResult(
    "conv1",
    "conv1",
    (2, 3, 5, 4),
    Difference(True, 2e-7, 1e-7, (1, 2, 0, 3), 2.0, 2.0),
    (2, 3, 5, 4),
)
BAD = BlobResult(
    "pool1",
    "pool1",
    (2, 3, 3, 2),
    Difference(False, 0.5, 0.25, (0, 1, 2, 1), 2.5, 2.0),
    (2, 3, 3, 2),
)
WORSE = BlobResult(
    "fc",
    "fc",
    (2, 7),
    Difference(False, float("inf"), float("inf"), (1, 6), float("nan"), 1.0),
    (2, 7),
)
MISSHAPEN = BlobResult("pool2", "pool2", (2, 3, 2, 1), None, (2, 3, 1, 1))


def report(*results, **others):
    return VerificationReport(
        model="net.h5",
        net="lopsided",
        witness="the blobs in blobs.npz",
        backend="openvino",
        tolerance=Tolerance(1e-4, 0.0),
        results=results,
        **others,
    )


def test_agreement_is_exit_code_zero_and_no_error():
    good = report(GOOD)
    assert good.ok
    assert good.exit_code == 0
    assert good.first_different is None
    good.raise_if_different()


def test_the_first_difference_is_the_first_in_order_of_execution():
    different = report(GOOD, BAD, WORSE)
    assert not different.ok
    assert different.exit_code == 7
    assert different.first_different is BAD
    assert different.worst is WORSE


def test_another_shape_is_worse_than_any_number():
    assert report(GOOD, MISSHAPEN, BAD).worst is MISSHAPEN
    assert not report(MISSHAPEN).ok


def test_a_verification_that_compared_nothing_is_no_success():
    empty = report()
    assert not empty.ok
    assert empty.worst is None
    with pytest.raises(VerificationError, match="nothing was compared"):
        empty.raise_if_different()


def test_a_verification_without_the_outputs_is_no_success():
    partial = report(GOOD, missing_outputs=("prob", "box"))
    assert not partial.ok
    with pytest.raises(VerificationError, match="no numbers for the net's output prob, box"):
        partial.raise_if_different()


def test_the_error_names_layer_blob_errors_and_place():
    with pytest.raises(VerificationError) as caught:
        report(GOOD, BAD, WORSE).raise_if_different()
    error = caught.value
    assert error.what == '2 of 3 blobs differ, the first in layer "pool1"'
    assert error.where == 'layer "pool1", blob "pool1"'
    assert error.why == "max abs 0.5, max rel 0.25 at (0, 1, 2, 1): expected 2, received 2.5"
    assert error.exit_code == 7


def test_json_has_everything_and_is_valid_where_numbers_are_not_finite():
    text = json.dumps(report(GOOD, WORSE, MISSHAPEN).to_json(), allow_nan=False)
    value = json.loads(text)
    assert value["ok"] is False
    assert value["tolerance"] == {"rtol": 1e-4, "atol": 0.0}
    assert value["first_different"] == {"layer": "fc", "blob": "fc"}
    assert value["blobs"][0]["max_abs"] == 2e-7
    assert value["blobs"][0]["index"] == [1, 2, 0, 3]
    assert value["blobs"][1]["max_rel"] is None
    assert value["blobs"][2]["received_shape"] == [2, 3, 1, 1]
    assert value["worst"]["blob"] == "pool2"


def test_a_report_can_be_sent_to_another_process():
    assert pickle.loads(pickle.dumps(report(GOOD, BAD))) == report(GOOD, BAD)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("agreeing", report(GOOD)),
        (
            "different",
            report(
                GOOD,
                BAD,
                WORSE,
                MISSHAPEN,
                not_compared=(NotCompared("bn", "Caffe has overwritten it in place"),),
                notes=("deploy.prototxt is not the file that the model was converted from",),
            ),
        ),
        ("nothing", report(missing_outputs=("prob",))),
    ],
)
def test_a_report_reads_well(name, given, golden):
    golden(f"report/{name}", str(given) + "\n")


def test_a_report_fits_the_terminal():
    long = BlobResult("inception_4b/5x5_reduce" * 3, "b" * 60, *(GOOD.shape, GOOD.difference, ()))
    lines = report(long).render(width=72).splitlines()
    table = lines[lines.index("") + 1 :]
    assert max(map(len, table[: table.index("")])) <= 72
