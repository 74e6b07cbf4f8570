"""What runs in a worker's process."""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
from multiprocessing.connection import Connection

from caffe2keras.batch.work import do
from caffe2keras.errors import BackendError

__all__ = ["serve"]


def serve(handle: int, computes: bool) -> None:
    """Work on every net that comes, until no more can come.

    Args:
        handle: of the connection's end.
        computes: whether to import Keras first.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us all; who started us decides
    faulthandler.enable()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    talk = Connection(handle)
    if computes:
        _warm_up()
    talk.send(None)
    while True:
        try:
            job = talk.recv()
        except EOFError:
            return
        talk.send(do(job))


def _end_with_parent() -> None:
    """Whoever killed the batch without a word shall not find its processes at work."""
    os.read(0, 1)  # nothing ever comes, but the end
    os._exit(1)


def _warm_up() -> None:
    from caffe2keras.backend import import_keras

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import_keras()
    except BackendError:
        return  # the first net that needs it says so
