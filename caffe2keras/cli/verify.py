"""``caffe2keras verify``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from caffe2keras.cli.nearest import NearestChoice
from caffe2keras.cli.options import (
    FILE,
    assume_full_sequences_option,
    html_option,
    json_option,
    missing_option,
    plugin_options,
    state_options,
)
from caffe2keras.cli.progress import step_bar
from caffe2keras.cli.terminal import say, show, terminal_width

__all__ = ["verify"]

# As caffe2keras.verify.elsewhere has them; that module is not imported for --help.
_RUNTIMES = ("theano", "tf-keras")

_STEPS = 3  # reference, Keras, comparison


@click.command(
    epilog="""\b
    Examples:
      caffe2keras verify alexnet.h5 blobs.npz
      caffe2keras verify alexnet.h5 --oracle deploy.prototxt alexnet.caffemodel
      caffe2keras verify alexnet.h5 blobs.npz --runtime theano --python old/bin/python
    """,
)
@click.argument("model", type=FILE)
@click.argument("reference", type=FILE, nargs=-1, metavar="{BLOBS | --oracle PROTOTXT [WEIGHTS]}")
@click.option(
    "--oracle",
    is_flag=True,
    help="Compute the reference here, from PROTOTXT and WEIGHTS, by Caffe written in NumPy.",
)
@click.option(
    "--inputs",
    type=FILE,
    help="A file of blobs to feed, in place of those in BLOBS or of random numbers.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="With --oracle: of the random numbers."
)
@state_options
@missing_option
@assume_full_sequences_option
@click.option(
    "--rtol",
    type=click.FloatRange(min=0),
    metavar="X",
    help="Tolerated difference, relative to max|b|.",
)
@click.option(
    "--atol", type=click.FloatRange(min=0), metavar="X", help="Tolerated difference, absolute."
)
@click.option(
    "--runtime",
    type=NearestChoice(_RUNTIMES),
    help="Let the Keras of another environment compute the model: Keras 2.3 on Theano, or tf.keras "
    "2, with caffe2keras-runtime installed.",
)
@click.option(
    "--python",
    type=FILE,
    metavar="PATH",
    help="With --runtime: that environment's interpreter.",
)
@plugin_options
@html_option
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Print one line only.")
def verify(
    model: Path,
    reference: tuple[Path, ...],
    oracle: bool,
    inputs: Path | None,
    seed: int,
    rtol: float | None,
    atol: float | None,
    runtime: str | None,
    python: Path | None,
    html: Path | None,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Prove that a converted model computes Caffe's numbers.

    MODEL is compared, blob by blob, with BLOBS recorded from Caffe (.npz, a folder of .npy,
    .binaryproto, HDF5), or with --oracle against a second, independent implementation of Caffe's
    layers, which needs no recording.

    The tolerance is |a - b| <= rtol * max|b| + atol for each blob: 1e-5 and 1e-6 for a net of one
    layer, 1e-4 and 0 for a larger one.

    With --oracle, choose the net as it was chosen for convert (--phase, --stage, --level,
    --missing, --assume-full-sequences).

    Exit code 0 means that all blobs agree, 7 that some differ.
    """
    _check_reference(reference, oracle)
    from caffe2keras.verify import Elsewhere
    from caffe2keras.verify import verify as run

    if (runtime is None) != (python is None):
        raise click.UsageError("--runtime and --python go together.")
    elsewhere = Elsewhere(runtime, python) if runtime and python else None
    if elsewhere is None:
        _say_backend(quiet or as_json)
    with step_bar(_STEPS, quiet=quiet or as_json) as progress:
        report = run(
            model,
            None if oracle else reference[0],
            oracle=(reference[0], reference[1] if len(reference) > 1 else None) if oracle else None,
            inputs=inputs,
            seed=seed,
            rtol=rtol,
            atol=atol,
            options=options,
            evidence=html is not None,
            elsewhere=elsewhere,
            progress=progress,
        )
    if html is not None:
        from caffe2keras.page import section_of_verification, write_page

        write_page(html, [section_of_verification(report)])
    if as_json:
        show(json.dumps(report.to_json(), indent=2))
    elif quiet:
        show(f"{model}: {report.verdict()}")
    else:
        show(report.render(terminal_width()))
    return report.exit_code


def _say_backend(quiet: bool) -> None:
    """Choose a Keras backend before Keras is imported, and say which."""
    from caffe2keras.backend import choose_backend

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow talks while it is imported
    chosen = choose_backend()
    if chosen and not quiet:
        say(f"Keras computes with {chosen} (set KERAS_BACKEND to choose another)")


def _check_reference(reference: tuple[Path, ...], oracle: bool) -> None:
    if not reference:
        raise click.UsageError(
            "Give BLOBS recorded from Caffe, or --oracle PROTOTXT WEIGHTS to compute them here."
        )
    if oracle and len(reference) > 2:
        raise click.UsageError("--oracle takes PROTOTXT and WEIGHTS, nothing more.")
    if not oracle and len(reference) > 1:
        raise click.UsageError(
            "One file or folder of blobs, please, or --oracle for a net's files."
        )
