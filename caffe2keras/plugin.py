"""Everything that the author of a plugin needs; CONTRIBUTING.md shows a whole one.

A plugin is a Python file that maps Caffe layers of its own, those of a fork or Python layers:

- ``@maps("Type")`` on a function ``(layer: Placed) -> Fragment``: what the layer is in Keras;
- ``@infers("Type")`` on a function ``(params, bottoms, tops) -> Inferred``: the shapes of its tops
  and of its learned arrays;
- ``@computes("Type")`` on a function ``(layer, bottoms, weights) -> Tops``, if ``verify --oracle``
  shall know the layer: what it computes, in NumPy, in Caffe's axis order;
- ``@keras_layers`` on a function that imports Keras and defines the layers that Keras lacks, each
  under ``@keras.saving.register_keras_serializable(package="...")``. It is called only when a model
  is loaded, so that converting needs no Keras.

A Python layer's type is ``Python:module.Layer``, by its ``python_param``. A type that is mapped
already is refused, unless the decorator says ``replaces=True``. Parameters that Caffe's schema has
are read as ``layer.params.pooling_param.kernel_size``, those that only the fork's has as
``layer.params.foreign.message("my_param").number("gain", 1.0)``; what the author set and the
mapping, or the oracle's function, does not read is refused by name.
"""

from caffe2keras.errors import (
    ShapeError,
    UnsupportedCombinationError,
    UnsupportedError,
    UnsupportedFieldError,
)
from caffe2keras.foreign import Foreign
from caffe2keras.graph.net import Layer, Note, Shape, Weight
from caffe2keras.layer_map.registry import Operand, Placed, maps
from caffe2keras.layout import Layout, caffe_order, image
from caffe2keras.params import Params
from caffe2keras.plugins.definitions import keras_layers
from caffe2keras.shapes.demands import blobs, canonical_axis, demand
from caffe2keras.shapes.registry import Inferred, infers
from caffe2keras.spec import (
    Call,
    Fragment,
    FragmentInput,
    FragmentOutput,
    KerasLayer,
    Variable,
    line,
)
from caffe2keras.verify.oracle.registry import Array, Arrays, Tops, computes

__all__ = [
    "Array",
    "Arrays",
    "Call",
    "Foreign",
    "Fragment",
    "FragmentInput",
    "FragmentOutput",
    "Inferred",
    "KerasLayer",
    "Layer",
    "Layout",
    "Note",
    "Operand",
    "Params",
    "Placed",
    "Shape",
    "ShapeError",
    "Tops",
    "UnsupportedCombinationError",
    "UnsupportedError",
    "UnsupportedFieldError",
    "Variable",
    "Weight",
    "blobs",
    "caffe_order",
    "canonical_axis",
    "computes",
    "demand",
    "image",
    "infers",
    "keras_layers",
    "line",
    "maps",
]
