"""KerasModel → a Python file that builds it, with the weights beside it."""

from caffe2keras.emit.source.program import source_of
from caffe2keras.emit.source.write import weights_beside, write_source

__all__ = ["source_of", "weights_beside", "write_source"]
