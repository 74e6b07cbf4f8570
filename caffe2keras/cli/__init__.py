"""The command line: parse, call, render, exit; no thinking is done here.

Each command imports what it needs when it runs, so that ``--help`` is quick.
"""

from caffe2keras.cli.main import main

__all__ = ["main"]
