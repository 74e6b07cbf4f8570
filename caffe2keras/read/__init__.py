"""Reading: the only room that opens Caffe's files."""

from caffe2keras.read.blobs import ReferenceBlobs, read_blobs
from caffe2keras.read.caffemodel import fingerprint, read_weights
from caffe2keras.read.prototxt import parse_prototxt, read_net, read_prototxt
from caffe2keras.read.weights import BlobData, LayerBlobs, WeightsFile

__all__ = [
    "BlobData",
    "LayerBlobs",
    "ReferenceBlobs",
    "WeightsFile",
    "fingerprint",
    "parse_prototxt",
    "read_blobs",
    "read_net",
    "read_prototxt",
    "read_weights",
]
