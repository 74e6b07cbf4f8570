"""``caffe2keras solver``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from caffe2keras.cli.options import FILE, json_option
from caffe2keras.cli.terminal import show

__all__ = ["solver"]


@click.command(
    epilog="""\b
    Example:
      caffe2keras solver solver.prototxt
    """,
)
@click.argument("solver_prototxt", metavar="SOLVER", type=FILE)
@json_option
def solver(solver_prototxt: Path, as_json: bool) -> int:
    """Say what a Caffe solver means in Keras.

    SOLVER is a solver.prototxt. What is printed is Python: the optimizer that
    caffe2keras.compile_from_solver compiles a model with, and the learning rate's schedule.
    """
    from caffe2keras.read.solver import read_solver
    from caffe2keras.train.plan import plan_of

    plan = plan_of(read_solver(solver_prototxt), str(solver_prototxt))
    show(json.dumps(plan.to_json(), indent=2) if as_json else plan.render())
    return 0
