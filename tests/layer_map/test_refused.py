"""Types that are not converted: each with its reason and a way out."""

from __future__ import annotations

from caffe2keras.layer_map.refused import REFUSED, reason_for


def test_each_refused_type_keeps_its_reason(golden) -> None:
    told = [f"{kind}: {reason_for(kind).why}; {reason_for(kind).hint}" for kind in sorted(REFUSED)]
    golden("mapped/refused", "\n".join(told) + "\n")


def test_a_type_that_nobody_knows_has_a_reason_too() -> None:
    error = reason_for("Alchemy")
    assert error.why
    assert error.hint
