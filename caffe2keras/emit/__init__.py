"""KerasModel → files; the only room that writes."""

from caffe2keras.emit.archive import write_archive
from caffe2keras.emit.hdf5 import write_hdf5
from caffe2keras.emit.record import Source, Sources, record_of

__all__ = ["Source", "Sources", "record_of", "write_archive", "write_hdf5"]
