"""A command line that must end by itself, with an error of ours, whatever it is given."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from caffe2keras.cli.main import main

_SECONDS = 30  # bounded is bounded, and the machine may be busy with other things


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """No test of this folder hangs."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"no end after {_SECONDS} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """``run("convert", path)``: exit code, and all that was printed; never an internal error."""
    monkeypatch.chdir(tmp_path)

    def command(*words: str | Path) -> tuple[int, str]:
        code = main([str(word) for word in words])
        shown = capsys.readouterr()
        assert "internal error" not in shown.err
        assert "Traceback" not in shown.err
        return code, shown.out + shown.err

    return command


@pytest.fixture
def converted(
    tmp_path: Path, run: Callable[..., tuple[int, str]]
) -> Callable[[str], tuple[int, str]]:
    """What becomes of ``convert`` of a net given as text, and that a refusal writes nothing."""

    def convert(text: str) -> tuple[int, str]:
        (tmp_path / "net.prototxt").write_text(text)
        code, shown = run("convert", "net.prototxt")
        left = sorted(path.name for path in tmp_path.iterdir())
        assert left == ["net.prototxt"] if code else left == ["net.h5", "net.prototxt"]
        return code, shown

    return convert
