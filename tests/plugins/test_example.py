"""CONTRIBUTING.md shows a plugin; what it shows is run as it stands there."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
from pathlib import Path

import pytest

from caffe2keras import plugin as words

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "plugin"


@pytest.fixture(scope="module")
def shown():
    """The blocks of the section, by their language."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("\n## A layer of your own\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^```(\w+)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))


@pytest.fixture
def here(tmp_path, monkeypatch):
    for name in ("soft_clip.py", "net.prototxt"):
        shutil.copy(EXAMPLE / name, tmp_path)
    monkeypatch.chdir(tmp_path)


def test_contributing_shows_the_files_of_the_example(shown):
    assert shown["python"] == (EXAMPLE / "soft_clip.py").read_text(encoding="utf-8")
    assert shown["protobuf"] == (EXAMPLE / "net.prototxt").read_text(encoding="utf-8")


@pytest.mark.backend
def test_the_commands_and_the_session_give_what_contributing_shows(shown, here, run):
    commands = re.findall(
        r"^\$ caffe2keras (.*)\n((?:(?!\$ ).*\n)*)", shown["console"], re.MULTILINE
    )
    assert [line.split()[0] for line, _ in commands] == ["convert", "verify", "inspect"]
    for line, expected in commands:
        code, out, err = run(*shlex.split(line))
        talk = "" if line.startswith("verify") else err  # a backend may talk, too
        assert (code, timeless(talk + out)) == (0, timeless(expected))
    session = doctest.DocTestParser().get_doctest(shown["pycon"], {}, "session", None, 0)
    runner = doctest.DocTestRunner(verbose=False)
    assert runner.run(session, out=lambda text: None).failed == 0
    assert runner.tries == 4


def timeless(text):
    return re.sub(r"written in \d+\.\d s", "written in 0.0 s", text)


def test_the_example_shows_how_installed_plugins_are_declared(shown):
    from caffe2keras.plugins.loading import ENTRY_POINTS

    assert f'[project.entry-points."{ENTRY_POINTS}"]' in shown["toml"]


def test_a_plugins_words_are_listed_in_order_and_are_there():
    assert words.__all__ == sorted(words.__all__, key=lambda name: (name[0].islower(), name))
    assert all(hasattr(words, name) for name in words.__all__)
