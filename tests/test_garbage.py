import gc

import pytest

from caffe2keras.convert import convert
from caffe2keras.garbage import collector_paused


@pytest.mark.parametrize("was_on", [True, False])
def test_the_collector_is_afterwards_as_it_was(was_on, monkeypatch):
    state = [was_on]
    monkeypatch.setattr(gc, "isenabled", lambda: state[0])
    monkeypatch.setattr(gc, "disable", lambda: state.__setitem__(0, False))
    monkeypatch.setattr(gc, "enable", lambda: state.__setitem__(0, True))
    with collector_paused():
        assert state == [False]
    assert state == [was_on]


def test_a_conversion_that_fails_leaves_the_collector_on(tmp_path):
    assert gc.isenabled()
    with pytest.raises(Exception, match="nothing"):
        convert(tmp_path / "nothing.prototxt")
    assert gc.isenabled()
