"""Convert Caffe nets to Keras models that compute the same numbers, and prove it."""

__version__ = "0.1.0"
