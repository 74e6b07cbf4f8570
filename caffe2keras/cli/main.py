"""The group of commands, and the one place where an error becomes an exit code."""

from __future__ import annotations

import atexit
import gc
import io
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from caffe2keras import __version__
from caffe2keras.cli.group import CommandGroup
from caffe2keras.cli.terminal import say
from caffe2keras.errors import Caffe2KerasError

__all__ = ["caffe2keras", "main"]

_INTERRUPTED = 130  # 128 + SIGINT, as shells count
_TERMINATED = 143  # 128 + SIGTERM

_COMMANDS = {
    "convert": "Turn a Caffe net into a Keras model.",
    "verify": "Prove that a converted model computes Caffe's numbers.",
    "record": "Record what a Caffe net answers, to verify with.",
    "batch": "Convert many nets, in parallel.",
    "predict": "Classify pictures with a converted net.",
    "inspect": "Show a Caffe net, layer by layer, and what it becomes.",
    "plot": "Draw a Caffe net as SVG or PNG.",
    "solver": "Say what a Caffe solver means in Keras.",
    "layers": "List Caffe's layer types and what becomes of each.",
}

_EPILOG = """\b
Start here:
  caffe2keras convert deploy.prototxt weights.caffemodel -o model.h5
  caffe2keras verify model.h5 --oracle deploy.prototxt weights.caffemodel

\b
Exit codes: 0 done, 1 internal error or no Keras backend, 2 wrong usage,
3 unreadable or unfit files, 4 ill-formed net, 5 unsupported,
6 cannot write, 7 the numbers differ.
"""


@click.group(
    cls=CommandGroup,
    summaries=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EPILOG,
)
@click.version_option(__version__, prog_name="caffe2keras")
@click.option("--debug", is_flag=True, help="Show Python's traceback when something fails.")
def caffe2keras(debug: bool) -> None:
    """Convert Caffe nets to Keras models that compute the same numbers, and prove it."""


def main(args: Sequence[str] | None = None) -> int:
    """Run a command line; the exit code is the answer.

    Args:
        args: without the program's name; those of this process if not given.
    """
    words = sys.argv[1:] if args is None else list(args)
    _leave_garbage_at_the_end()
    with _ending_cleanly():
        return _run(words)


def _run(words: list[str]) -> int:
    try:
        code = caffe2keras.main(words, prog_name="caffe2keras", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        text = io.StringIO()
        error.show(text)
        say(text.getvalue().rstrip("\n"))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        say("interrupted")
        return _INTERRUPTED
    except Caffe2KerasError as error:
        _complain(f"error: {error}", words)
        return error.exit_code
    except Exception as error:
        if _is_lack_of_memory(error):
            _complain("error: memory ran out\n  try: a machine, or a limit, with more of it", words)
            return Caffe2KerasError.exit_code
        _complain(f"internal error, please report it: {type(error).__name__}: {error}", words)
        return Caffe2KerasError.exit_code


def _leave_garbage_at_the_end() -> None:
    """Let Python, when it ends, collect nothing: the system takes it all back at once.

    Going over all that is imported takes a fifth of the time in which a small net is converted.
    """
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


def _is_lack_of_memory(error: Exception) -> bool:
    # A thread has a stack; Python's own word for no room for one is a RuntimeError.
    return isinstance(error, MemoryError) or "can't start new thread" in str(error)


@contextmanager
def _ending_cleanly() -> Iterator[None]:
    """Let a request to end act as an exception, so that a half-written file is taken away."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _complain(message: str, words: Sequence[str]) -> None:
    if "--debug" in words:
        import traceback

        say(traceback.format_exc().rstrip("\n"))
        say(f"caffe2keras: {message}")
        return
    say(f"caffe2keras: {message}")
    if message.startswith("internal"):
        import shlex

        command = shlex.join(["caffe2keras", "--debug", *words])
        say(f"  try: {command}  (and send what it prints)")
