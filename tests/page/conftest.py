"""Reports and sections to write pages of, without a backend; and a browser to open them in."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from caffe2keras.convert import convert
from caffe2keras.page import Section, section_of_verification
from caffe2keras.verify.compare import Tolerance, compare
from caffe2keras.verify.evidence import Evidence, histogram_of
from caffe2keras.verify.report import BlobResult, NotCompared, VerificationReport

# blob of the lopsided net -> how far it is off, as a share of its largest number
OFF = {"conv": 0.0, "pool": 1e-6, "fc": 0.3, "prob": 1e-7}


@pytest.fixture
def model(lopsided: Path, tmp_path: Path) -> Path:
    convert(lopsided, None, tmp_path / "net.h5")
    return tmp_path / "net.h5"


@pytest.fixture
def report_of(model: Path) -> Callable[..., VerificationReport]:
    """``report_of(floors, off)``: a verification of the lopsided net that is off so far."""
    truth = np.linspace(-1, 2, 35)

    def report(
        floors: dict[str, float] | None = None, off: dict[str, float] = OFF
    ) -> VerificationReport:
        tolerance = Tolerance(1e-4, 0.0)
        results = tuple(
            BlobResult(blob, blob, (5, 7), compare(truth + 2 * share, truth, tolerance), (5, 7))
            for blob, share in off.items()
        )
        worst = histogram_of("fc", truth + 2 * off["fc"], truth)
        return VerificationReport(
            model=str(model),
            net="lopsided",
            witness="the oracle on random inputs, seed 3",
            backend="openvino",
            tolerance=tolerance,
            results=results,
            not_compared=(NotCompared("split", "it was folded"),),
            notes=("something to know",),
            evidence=Evidence(floors, worst),
        )

    return report


@pytest.fixture
def section(report_of: Callable[..., VerificationReport]) -> Section:
    return section_of_verification(report_of({"conv": 1e-7, "pool": 2e-7, "fc": 1e-7}))


class Browser:
    """One page of a headless Chromium, spoken to by the DevTools protocol.

    ``problems`` collects what a user would find in the console: exceptions, blocked scripts and
    styles, failed requests; ``requests`` all that the page asked for.
    """

    def __init__(self, address: str) -> None:
        import websocket

        new = urllib.request.Request(f"{address}/json/new?about:blank", method="PUT")
        with urllib.request.urlopen(new) as answer:
            target = json.load(answer)
        self._socket = websocket.create_connection(target["webSocketDebuggerUrl"], timeout=60)
        self._numbers = itertools.count(1)
        self.problems: list[str] = []
        self.requests: list[str] = []
        self._loaded = False
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: object) -> dict:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        self._socket.send(json.dumps(message))
        while (answer := json.loads(self._socket.recv())).get("id") != number:
            self._hear(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _hear(self, event: dict) -> None:
        kind, details = event.get("method"), event.get("params", {})
        if kind == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(details["exceptionDetails"]))
        elif kind == "Log.entryAdded" and details["entry"]["level"] in ("error", "warning"):
            self.problems.append(details["entry"]["text"])
        elif kind == "Network.requestWillBeSent":
            self.requests.append(details["request"]["url"])
        elif kind == "Page.loadEventFired":
            self._loaded = True

    def open(self, path: Path, width: int = 1300, height: int = 1000) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.problems.clear()
        self.requests.clear()
        self._loaded = False
        self.call("Page.navigate", url=path.as_uri())
        while not self._loaded:
            self._hear(json.loads(self._socket.recv()))
        self.settle()

    def settle(self) -> None:
        """Until everything that is under way has been drawn."""
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def run(self, code: str) -> object:
        """What a piece of JavaScript says; the page's policy does not hold for it."""
        answer = self.call(
            "Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def middle_of(self, selector: str) -> tuple[float, float]:
        """Where an element is on the screen, which is scrolled to it."""
        code = (
            f"(() => {{ const one = document.querySelector({json.dumps(selector)});"
            "one.scrollIntoView({block: 'nearest'}); const r = one.getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        x, y = self.run(code)
        return x, y

    def mouse(self, kind: str, x: float, y: float, **more: object) -> None:
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, selector: str) -> None:
        self.drag(*self.middle_of(selector), 0, 0)

    def drag(self, x: float, y: float, across: float, down: float) -> None:
        self.mouse("mousePressed", x, y, button="left", clickCount=1)
        if across or down:
            self.mouse("mouseMoved", x + across, y + down, button="left", buttons=1)
        self.mouse("mouseReleased", x + across, y + down, button="left", clickCount=1)
        self.settle()

    def press(self, key: str) -> None:
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)
        self.settle()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[str]:
    """The DevTools address of a running Chromium."""
    program = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    if program is None:
        pytest.skip("no Chromium is installed; on Debian: apt-get install chromium")
    pytest.importorskip("websocket", reason="the extra test installs websocket-client")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        words = [program, "--headless=new", "--disable-gpu", "--no-first-run", "--disable-sync"]
        words += ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses root else
        words += ["--remote-debugging-port=0", "--remote-allow-origins=*"]
        words += [f"--user-data-dir={profile}", "--disable-background-networking", "about:blank"]
        process = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        try:
            yield _address(process, Path(profile))
        finally:
            process.terminate()
            process.communicate(timeout=30)


def _address(process: subprocess.Popen, profile: Path) -> str:
    """Chromium writes its port into its profile as soon as it listens."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        port = profile / "DevToolsActivePort"
        if port.exists() and (found := re.match(r"\d+\n", port.read_text())):
            return f"http://127.0.0.1:{int(found[0])}"
        time.sleep(0.1)
    process.kill()
    _, talk = process.communicate()
    raise RuntimeError(f"Chromium does not start: {talk[-2000:]!r}")


@pytest.fixture
def browser(chromium: str) -> Iterator[Browser]:
    page = Browser(chromium)
    yield page
    page.close()
