"""Every recorded net of one or a few layers, computed by another Keras and compared with Caffe.

Usage: python layer_cases.py RUNTIME PYTHON RESULTS.json [NET.prototxt ...]

``scripts/check_targets --layers`` runs this with the converter's interpreter; PYTHON is that of the
environment to be proved. The nets are by default all fixtures, and those in ``nets`` beside this
file, of layers that only forks have: they are held against the oracle.

To import an old Keras hundreds of times would take an hour, so it is imported once: ``verify`` is
first given an interpreter that only notes what is asked, then ``many_models.py`` answers everything
in one process, then ``verify`` is given one that knows the answers.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from caffe2keras import convert, verify
from caffe2keras.errors import BackendError, Caffe2KerasError
from caffe2keras.verify import Elsewhere

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
NETS = Path(__file__).with_name("nets")
MANY_MODELS = Path(__file__).with_name("many_models.py")

# In place of the other interpreter: python -m caffe2keras.runtime.evaluate MODEL QUESTION ANSWER
NOTES_AND_ANSWERS = """#!{python} -SE
import os, shutil, sys
model, question, answer = sys.argv[-3:]
folder = os.path.dirname(model)
if os.path.exists(folder + "/answer.npz"):
    shutil.copy(folder + "/answer.npz", answer)
elif os.path.exists(folder + "/trouble.txt"):
    sys.exit(open(folder + "/trouble.txt").read())
else:
    shutil.copy(question, folder + "/question.npz")
    sys.exit("asked")
"""


def main(runtime, python, results, *prototxts):
    """Convert, ask, answer, compare, keep."""
    chosen = [Path(each).resolve() for each in prototxts] or [
        *sorted(FIXTURES.glob("layers*/*/net.prototxt")),
        *sorted(NETS.glob("*.prototxt")),
    ]
    cases = {name_of(each): each for each in chosen}
    with tempfile.TemporaryDirectory() as scratch:
        stand_in = Path(scratch, "python")
        stand_in.write_text(NOTES_AND_ANSWERS.format(python=sys.executable))
        stand_in.chmod(0o755)
        elsewhere = Elsewhere(runtime, stand_in)
        found = {name: asked(case, Path(scratch, name), elsewhere) for name, case in cases.items()}
        answer(runtime, python, scratch)
        for name, case in cases.items():
            if found[name] == "asked":
                found[name] = compared(case, Path(scratch, name), elsewhere)
    Path(results).write_text(json.dumps(found, indent=1))


def name_of(prototxt):
    """A fixture's is its folder's."""
    return prototxt.parent.name if prototxt.stem == "net" else prototxt.stem


def asked(prototxt, folder, elsewhere):
    """What ``compared`` says before there are answers, or why the net does not come that far."""
    folder.mkdir()
    weights = prototxt.with_suffix(".caffemodel")
    try:
        convert(prototxt, weights if weights.exists() else None, folder / "net.h5")
    except Caffe2KerasError as error:
        return f"not converted: {error.what}"
    return compared(prototxt, folder, elsewhere)


def compared(prototxt, folder, elsewhere):
    """The verdict of a comparison, or what came in its way."""
    blobs = prototxt.with_name("blobs.npz")
    witness = {"blobs": blobs} if blobs.exists() else {"oracle": (prototxt, None)}
    try:
        report = verify(folder / "net.h5", elsewhere=elsewhere, **witness)
    except BackendError as error:
        return error.why
    except Caffe2KerasError as error:
        return f"{error.what}: {error.why}"
    return "ok" if report.ok else report.verdict()


def answer(runtime, python, scratch):
    """Have the other Keras compute what was asked."""
    own = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH",)}
    own["KERAS_BACKEND"] = "theano" if runtime == "theano" else "tensorflow"
    own["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with tempfile.TemporaryDirectory() as elsewhere:  # beside ours lies a caffe2keras not meant
        script = Path(elsewhere, "many_models.py")
        script.write_text(MANY_MODELS.read_text())
        subprocess.run([python, script, scratch], env=own, cwd=elsewhere, check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
