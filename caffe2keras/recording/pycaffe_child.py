"""Runs a net with pycaffe; a script of its own, for whatever Python pycaffe was built for.

Usage: pycaffe_child.py FOLDER

The folder holds ``task.json`` and, as ``input-0.npy`` and so on, what is fed. What comes of it is
written there: ``answer.json`` and ``output-0.npy`` and so on. It runs on Python 2.7 and on 3.5 and
newer, imports nothing of caffe2keras, and is never imported by it: where a CHECK of Caffe's fails,
the process is gone.
"""

from __future__ import print_function

import io
import json
import os
import re
import sys

__all__ = ["feed", "is_copy", "keep", "load", "main"]

NO_PYCAFFE = 42


def main(folder):
    """Do the task in a folder."""
    try:
        import caffe
    except ImportError as error:
        print(error, file=sys.stderr)
        return NO_PYCAFFE
    with io.open(os.path.join(folder, "task.json"), encoding="utf-8") as file:
        task = json.load(file)
    net = load(caffe, task)
    answer = {
        "version": getattr(caffe, "__version__", "of unknown version"),
        "inputs": [[name, list(net.blobs[name].data.shape)] for name in net.inputs],
        "outputs": [],
    }
    if task["inputs"] is not None:
        feed(net, folder, task["inputs"])
        net.forward()
        answer["outputs"] = keep(net, folder)
    with io.open(os.path.join(folder, "answer.json"), "wb") as file:
        file.write(json.dumps(answer).encode("utf-8"))
    return 0


def load(caffe, task):
    """The net, with its weights once it is to compute."""
    caffe.set_mode_cpu()
    phase = getattr(caffe, task["phase"])
    # Text that JSON has read is unicode, which Boost.Python of Python 2 does not take for a path.
    files = [str(task["prototxt"]), str(task["weights"] or "")]
    arguments = {"level": task["level"], "stages": [str(name) for name in task["stages"]]}
    if not arguments["level"] and not arguments["stages"]:
        arguments = {}  # Caffe before 1.0 knows neither
    if task["inputs"] is None or not files[1]:
        return caffe.Net(files[0], phase, **arguments)
    if arguments:
        return caffe.Net(files[0], phase, weights=files[1], **arguments)
    return caffe.Net(files[0], files[1], phase)


def feed(net, folder, names):
    """Put the inputs in place, and the net into their sizes."""
    import numpy as np

    for index, name in enumerate(names):
        array = np.load(os.path.join(folder, "input-%d.npy" % index))
        net.blobs[name].reshape(*array.shape)
        net.blobs[name].data[...] = array
    net.reshape()
    for index, name in enumerate(names):
        net.blobs[name].data[...] = np.load(os.path.join(folder, "input-%d.npy" % index))


def keep(net, folder):
    """Write every blob but the inputs and the copies that Caffe makes for itself."""
    import numpy as np

    fed = set(net.inputs)
    names = [name for name in net.blobs if name not in fed and not is_copy(name, net.blobs)]
    for index, name in enumerate(names):
        np.save(os.path.join(folder, "output-%d.npy" % index), net.blobs[name].data)
    return names


def is_copy(name, blobs):
    """Whether Caffe has made the blob for one of several readers (insert_splits.cpp)."""
    match = re.match(r"(.*)_split_\d+$", name, re.DOTALL)
    return match is not None and any(match.group(1).startswith(blob + "_") for blob in blobs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
