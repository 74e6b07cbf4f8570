"""Questions of ``caffe2keras.runtime.evaluate``, one after the other in one process.

Usage: python many_models.py FOLDER

Each folder in it that waits for an answer holds net.h5 and question.npz; beside them comes
answer.npz, or trouble.txt with the last line of what went wrong. ``layer_cases.py`` runs this in
each old environment.
"""

import sys
import traceback
from pathlib import Path

from caffe2keras.runtime.dialect import keras
from caffe2keras.runtime.evaluate import main as evaluate


def answer(folder):
    """Answer one question."""
    getattr(keras.backend, "clear_session", int)()  # Theano has no session
    try:
        evaluate([str(folder / name) for name in ("net.h5", "question.npz", "answer.npz")])
    except Exception as error:
        said = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
        (folder / "trouble.txt").write_text(f"{type(error).__name__}: {said[-1]}")
        print(folder.name, file=sys.stderr)
        traceback.print_exc()


if __name__ == "__main__":
    for question in sorted(Path(sys.argv[1]).glob("*/question.npz")):
        answer(question.parent)
