"""A batch as CI servers read it: each net is a test case.

The elements and attributes are those on which Ant's schema, Jenkins's and GitLab's reader agree.
"""

from __future__ import annotations

import re
import socket
from xml.etree import ElementTree

from caffe2keras.batch.result import BatchReport, NetResult

__all__ = ["junit"]

# What XML 1.0 cannot hold, not even escaped: control characters, halves of pairs, non-characters.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def junit(report: BatchReport) -> bytes:
    """The report as XML in UTF-8: a net that differs has failed, any other trouble is an error."""
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite", _suite(report))
    ElementTree.SubElement(suite, "properties")
    for net in report.nets:
        _case(suite, net)
    ElementTree.SubElement(suite, "system-out").text = _speakable("\n".join(report.notes))
    printed = [f"{net.name}:\n{net.printed}" for net in report.nets if net.printed]
    ElementTree.SubElement(suite, "system-err").text = _speakable("\n".join(printed))
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(report: BatchReport) -> dict[str, str]:
    differing = sum(net.status == "different" for net in report.nets)
    return {
        "name": "caffe2keras batch",
        "package": "caffe2keras",
        "id": "0",
        "hostname": _speakable(socket.gethostname()) or "localhost",
        "timestamp": report.started,
        "tests": str(len(report.nets)),
        "failures": str(differing),
        "errors": str(sum(not net.ok for net in report.nets) - differing),
        "time": f"{report.seconds:.3f}",
    }


def _case(suite: ElementTree.Element, net: NetResult) -> None:
    attributes = {
        "classname": "caffe2keras.batch",
        "name": _speakable(net.name),
        "time": f"{net.seconds:.3f}",
    }
    case = ElementTree.SubElement(suite, "testcase", attributes)
    if net.ok:
        return
    tag = "failure" if net.status == "different" else "error"
    kind = net.failure.kind if net.failure else "VerificationError"
    told = {"type": kind, "message": _speakable(net.explain())}
    ElementTree.SubElement(case, tag, told).text = _speakable(_whole_story(net))


def _whole_story(net: NetResult) -> str:
    if net.failure is not None:
        return net.failure.text
    return "\n".join(
        f"{proof['witness']}: {proof['verdict']}" for proof in net.verifications if not proof["ok"]
    )


def _speakable(text: str) -> str:
    return _UNSPEAKABLE.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
