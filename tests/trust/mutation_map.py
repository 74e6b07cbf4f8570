"""Which tests run which line, and how long each takes: found once, then read from a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import coverage
import pytest

__all__ = ["TestMap", "measure_into"]


@dataclass(frozen=True)
class TestMap:
    """What a run of the tests has shown.

    Attributes:
        seconds: how long each test took that passed; by node id.
        lines: source file -> line -> the tests that run it. Under "" are the lines that run while
            modules are imported and tests collected.
    """

    __test__ = False

    seconds: dict[str, float]
    lines: dict[str, dict[int, list[str]]]

    def write(self, path: Path) -> None:
        """Keep it."""
        path.write_text(json.dumps({"seconds": self.seconds, "lines": self.lines}))

    @classmethod
    def read(cls, path: Path) -> TestMap:
        """Bring it back."""
        told = json.loads(path.read_text())
        lines = {
            name: {int(line): tests for line, tests in by_line.items()}
            for name, by_line in told["lines"].items()
        }
        return cls(told["seconds"], lines)

    def tests_of(self, path: Path, first: int, last: int) -> list[str]:
        """The tests that run any of these lines, the quickest first."""
        by_line = self.lines.get(str(path), {}).items()
        found = {test for line, tests in by_line if first <= line <= last for test in tests}
        return sorted(found & self.seconds.keys(), key=lambda test: (self.seconds[test], test))

    def runs_on_import(self, path: Path, first: int, last: int) -> bool:
        """Whether any of these lines runs before the first test does."""
        by_line = self.lines.get(str(path), {})
        return any("" in by_line.get(line, ()) for line in range(first, last + 1))


class _Recorder:
    """A plugin of pytest that tells coverage which test is running."""

    def __init__(self, files: list[str]) -> None:
        self.coverage = coverage.Coverage(data_file=None, config_file=False, include=files)
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()
        self.coverage.start()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.coverage.switch_context(item.nodeid)
        answer = yield
        self.coverage.switch_context("")
        return answer

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        known = self.seconds.get(report.nodeid, 0.0)
        self.seconds[report.nodeid] = known + report.duration
        if not report.passed:
            self.failed.add(report.nodeid)

    def found(self) -> TestMap:
        self.coverage.stop()
        data = self.coverage.get_data()
        lines = {name: data.contexts_by_lineno(name) for name in sorted(data.measured_files())}
        passed = {name: took for name, took in self.seconds.items() if name not in self.failed}
        return TestMap(passed, lines)


def measure_into(path: str, files: str, tests: str) -> None:
    """Run the tests once and write down what is found; those that do not pass are left out.

    Args:
        path: where to.
        files: the sources to watch, joined by ":".
        tests: files and folders of tests, likewise.
    """
    recorder = _Recorder(files.split(":"))
    pytest.main(["-q", "-p", "no:cacheprovider", *tests.split(":")], plugins=[recorder])
    recorder.found().write(Path(path))
