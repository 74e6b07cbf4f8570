"""JUnit's XML, held against a schema."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from caffe2keras.batch import BatchReport, Failure, NetResult, junit

etree = pytest.importorskip("lxml.etree", reason="lxml validates")

SCHEMA = Path(__file__).with_name("junit.xsd")

EVIL = '\x1b[31m<red> & "quoted" ]]> \x00 \ud800 \ufffe é 網'


def result(name, *, failure=None, proofs=(), printed=""):
    return NetResult(
        name,
        f"{name}.prototxt",
        None,
        f"{name}.h5",
        seconds=1.25,
        verifications=tuple(proofs),
        failure=failure,
        printed=printed,
    )


def proof(ok):
    return {"ok": ok, "verdict": "1 of 8 blobs differ", "witness": "the blobs in blobs.npz"}


def report(*nets, notes=()):
    return BatchReport("nets", "out", tuple(nets), tuple(notes), 12.5, "2026-01-02T03:04:05")


FAILURE = Failure("WorkerError", EVIL, EVIL, "", "", f"{EVIL}\n  in: {EVIL}", 1)

MIXED = report(
    result("good"),
    result("proved", proofs=[proof(True)]),
    result("wrong", proofs=[proof(True), proof(False)]),
    result(EVIL, failure=FAILURE, printed=EVIL),
    notes=[EVIL],
)


@pytest.mark.parametrize("what", [report(), report(result("good")), MIXED])
def test_the_schema_of_ci_servers_accepts_it(what):
    schema = etree.XMLSchema(etree.parse(str(SCHEMA)))
    schema.assertValid(etree.fromstring(junit(what)))


def test_a_net_that_differs_has_failed_and_any_other_trouble_is_an_error():
    [suite] = ElementTree.fromstring(junit(MIXED))
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "time")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "time": "12.500",
    }
    good, proved, wrong, evil = suite.findall("testcase")
    assert (list(good), list(proved)) == ([], [])
    assert good.get("time") == "1.250"
    [failure] = wrong
    assert (failure.tag, failure.get("type")) == ("failure", "VerificationError")
    assert failure.get("message") == "1 of 8 blobs differ"
    assert failure.text == "the blobs in blobs.npz: 1 of 8 blobs differ"
    [error] = evil
    assert (error.tag, error.get("type")) == ("error", "WorkerError")


def test_control_characters_are_spelled_out_and_all_else_survives():
    [suite] = ElementTree.fromstring(junit(MIXED))
    spelled = '\\x1b[31m<red> & "quoted" ]]> \\x00 \\xd800 \\xfffe é 網'
    assert suite.findall("testcase")[3].get("name") == spelled
    assert spelled in suite.findtext("system-err")
    assert spelled in suite.findtext("system-out")


def test_results_survive_their_journal():
    for net in MIXED.nets:
        assert NetResult.from_json(net.to_json()) == net
