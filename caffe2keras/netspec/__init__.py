"""Caffe's NetSpec without Caffe: a net written as a Python program.

A script for pycaffe runs with one import changed::

    from caffe2keras.netspec import layers as L, params as P, NetSpec, to_proto

    n = NetSpec()
    n.data = L.Input(shape=dict(dim=[2, 3, 11, 8]))
    n.conv = L.Convolution(n.data, num_output=7, kernel_size=3)
    n.relu = L.ReLU(n.conv, in_place=True)
    n.pool = L.Pooling(n.relu, pool=P.Pooling.AVE, kernel_size=2, stride=2)
    print(n.to_proto())

Names, order and rules are those of Caffe's python/caffe/net_spec.py; ``keys``, ``vals``, ``update``
and ``del`` of a NetSpec are those of SSD's fork. Layers of forks have their parameters too.
``caffe2keras.netspec.coord_map`` has the ``crop`` of pycaffe's ``coord_map``.
"""

from caffe2keras.netspec.constants import Parameters, params
from caffe2keras.netspec.program import Function, Layers, NetSpec, Top, layers, to_proto

__all__ = [
    "Function",
    "Layers",
    "NetSpec",
    "Parameters",
    "Top",
    "layers",
    "params",
    "to_proto",
]
