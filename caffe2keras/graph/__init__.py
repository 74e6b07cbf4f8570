"""The net in Caffe's own words: frozen values, single assignment, shapes in Caffe's axis order."""

from caffe2keras.graph.net import Blob, Layer, Net, Note, Shape, Weight

__all__ = ["Blob", "Layer", "Net", "Note", "Shape", "Weight"]
