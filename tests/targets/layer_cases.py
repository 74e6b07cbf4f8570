"""Every recorded net of one or a few layers, computed by another Keras and compared with Caffe.

Usage: python layer_cases.py RUNTIME PYTHON RESULTS.json [FOLDER ...]

``scripts/check_targets --layers`` runs this with the converter's interpreter; PYTHON is that of the
environment to be proved. FOLDER are fixtures, by default all. To import an old Keras hundreds of
times would take an hour, so it is imported once: ``verify`` is first given an interpreter that only
notes what is asked, then ``many_models.py`` answers everything in one process, then ``verify`` is
given one that knows the answers.
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


def main(runtime, python, results, *folders):
    """Convert, ask, answer, compare, keep."""
    cases = [Path(each).resolve() for each in folders] or [
        path.parent for path in sorted(FIXTURES.glob("layers*/*/net.prototxt"))
    ]
    with tempfile.TemporaryDirectory() as scratch:
        stand_in = Path(scratch, "python")
        stand_in.write_text(NOTES_AND_ANSWERS.format(python=sys.executable))
        stand_in.chmod(0o755)
        elsewhere = Elsewhere(runtime, stand_in)
        found = {case.name: asked(case, Path(scratch), elsewhere) for case in cases}
        open_ones = [case for case in cases if found[case.name] == "asked"]
        answer(runtime, python, scratch)
        for case in open_ones:
            found[case.name] = compared(case, Path(scratch), elsewhere)
    Path(results).write_text(json.dumps(found, indent=1))


def asked(case, scratch, elsewhere):
    """ "asked", or why the net does not come that far."""
    folder = scratch / case.name
    folder.mkdir()
    weights = case / "net.caffemodel"
    try:
        convert(case / "net.prototxt", weights if weights.exists() else None, folder / "net.h5")
    except Caffe2KerasError as error:
        return f"not converted: {error.what}"
    return compared(case, scratch, elsewhere)


def compared(case, scratch, elsewhere):
    """The verdict of a comparison, or what came in its way."""
    model = scratch / case.name / "net.h5"
    try:
        report = verify(model, case / "blobs.npz", elsewhere=elsewhere)
    except BackendError as error:
        return error.why
    except Caffe2KerasError as error:
        return error.what
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
