"""Reference blobs, computed by pycaffe, by OpenCV's dnn, or by the oracle, for ``verify`` to read.

(What a converted file carries about itself is another thing: ``caffe2keras.record``.)
"""

from caffe2keras.recording.run import RecordingReport, record_blobs
from caffe2keras.recording.tellers import Teller

__all__ = ["RecordingReport", "Teller", "record_blobs"]
