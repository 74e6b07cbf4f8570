"""Types that are not converted, each with the reason and a way out: "no" is an answer too."""

from __future__ import annotations

from types import MappingProxyType

from caffe2keras.errors import UnsupportedError

__all__ = ["REFUSED", "reason_for"]

_CUT = "cut the layer out of the prototxt and do its work outside the model"
_MAP = f"map it in a plugin (--plugin FILE), or {_CUT}"
_DEPLOY = "give the prototxt that the net is deployed with"
_LATTICE = "it filters along a lattice that it builds of each image, which Keras cannot say"
_LABELS = "it computes with the labels, and only training has those"

# Caffe type -> (why, what to try)
REFUSED = MappingProxyType(
    {
        "Region": ("several forks have it, and each gives something else", _CUT),
        "CTCGreedyDecoder": (
            "it answers with as many labels as it finds",
            "cut it off and decode what it reads, for instance with keras.ops.ctc_decode",
        ),
        "DenseBlock": (
            "its code for the CPU and for the GPU take the statistics differently, and the GPU's "
            "eps depends on the version of cuDNN",
            "write its steps out as BatchNorm, Scale, ReLU, Convolution and Concat layers",
        ),
        "DenseCRF": (_LATTICE, _CUT),
        "MultiStageMeanfield": (_LATTICE, _CUT),
        "SpatialTransformer": (
            "it samples an image at places that the net computes, and no layer here does",
            _CUT,
        ),
        "PowerFile": ("its numbers stand in a file that the prototxt only names", _CUT),
        "Resize": ("two forks have it, with other parameters and other numbers", _CUT),
        "ConvolutionFloat": (
            "no source of it is known here",
            "write Convolution, if it is a plain one",
        ),
        "PoolingFloat": ("no source of it is known here", "write Pooling, if it is a plain one"),
        "InnerProductFloat": (
            "no source of it is known here",
            "write InnerProduct, if it is a plain one",
        ),
        "MarginInnerProduct": (_LABELS, _DEPLOY),
        "LabelSpecificRescale": (_LABELS, _DEPLOY),
        "Python": ("its computation is a Python class that the prototxt only names", _MAP),
    }
)


def reason_for(kind: str) -> UnsupportedError:
    """Why a type is not converted, and what to try."""
    why, hint = REFUSED.get(kind, ("no layer of this type is known here", _MAP))
    return UnsupportedError(what=f'type "{kind}"', why=why, hint=hint)
