"""Classify pictures with a converted net, prepared as its file says."""

from caffe2keras.predict.classify import Guess, classify
from caffe2keras.predict.labels import read_labels

__all__ = ["Guess", "classify", "read_labels"]
