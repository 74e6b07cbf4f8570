"""The files under docs/ci are what their readers take, and their commands are ours."""

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from caffe2keras.batch.manifest import read_manifest
from caffe2keras.cli.batch import batch
from caffe2keras.cli.main import caffe2keras

yaml = pytest.importorskip("yaml", reason="PyYAML is an extra")

FOLDER = Path(__file__).parents[2] / "docs" / "ci"


def commands():
    workflow = yaml.safe_load((FOLDER / "github-actions.yml").read_text())
    for step in workflow["jobs"]["models"]["steps"]:
        if step.get("run", "").startswith("caffe2keras "):
            yield step["run"]
    config = yaml.safe_load((FOLDER / "pre-commit-config.yaml").read_text())
    for hook in config["repos"][0]["hooks"]:
        yield hook["entry"]


def test_every_command_is_one_that_we_know():
    found = [shlex.split(command) for command in commands()]
    assert [words[:2] for words in found] == [["caffe2keras", "batch"]] * 2
    group = click.Context(caffe2keras, **caffe2keras.context_settings)
    for words in found:
        batch.make_context("batch", words[2:], parent=group)  # raises UsageError


def test_the_manifest_in_the_readme_can_be_followed(tmp_path):
    [text] = re.findall(r"```toml\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
    tomllib.loads(text)
    (tmp_path / "nets.toml").write_text(text)
    [entry] = read_manifest(str(tmp_path / "nets.toml"))
    assert entry["name"] == "nets/digits/digits"


def test_the_programs_in_the_workflow_are_python():
    workflow = yaml.safe_load((FOLDER / "github-actions.yml").read_text())
    texts = [step.get("run", "") for step in workflow["jobs"]["models"]["steps"]]
    [program] = [text for text in texts if "PROGRAM" in text]
    compile(program.split("<<'PROGRAM'\n")[1].split("PROGRAM")[0], "workflow", "exec")
