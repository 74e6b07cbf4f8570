"""Upsample, Unpooling and Interp: images made larger, or smaller, without learning."""

from __future__ import annotations

from typing import Any

from caffe2keras.errors import UnsupportedCombinationError, UnsupportedFieldError
from caffe2keras.graph.net import Shape
from caffe2keras.layer_map.registry import Placed, maps
from caffe2keras.params import Params
from caffe2keras.shapes.upsampling import unpool_window
from caffe2keras.spec import Fragment, KerasLayer, line

__all__ = ["interp", "unpooling", "upsample"]


@maps("Upsample", wants="image")
def upsample(layer: Placed) -> Fragment:
    """Each value where a maximum pooling had found it; without a mask each pixel repeated.

    Caffe    SegNet, with the mask of the pooling: upsample_h and upsample_w; or scale, or scale_h
             and scale_w, less pad_out_h and pad_out_w. YOLO, without: scale
    Keras    caffe2keras>MaxUnpooling2D; UpSampling2D without a mask
    Differs  of values with one place the last stays, as on Caffe's CPU; on a GPU it is chance
    Refuses  other than four axes
    Source   upsample_layer.cpp in alexgkendall's caffe-segnet, and in eric612's MobileNet-YOLO
    """
    p = layer.params.upsample_param
    if len(layer.inputs) == 1:
        return line(_repetition(layer, p.scale if p.has("scale") else 1))
    config: dict[str, Any] = {"data_format": layer.data_format}
    if p.has("upsample_h") and p.has("upsample_w"):
        p.honoured("scale", "scale_h", "scale_w", "pad_out_h", "pad_out_w")  # not asked for then
        config["size"] = [p.upsample_h, p.upsample_w]
    else:
        by_axis = p.has("scale_h")
        config["scale"] = [p.scale_h, p.scale_w] if by_axis else [p.scale, p.scale]
        config["trim"] = [int(p.pad_out_h), int(p.pad_out_w)]
    return line(KerasLayer("caffe2keras>MaxUnpooling2D", config), inputs=2)


def _repetition(layer: Placed, scale: int) -> KerasLayer:
    x = layer.inputs[0]
    if x.rank != 4:
        raise UnsupportedCombinationError(
            what=f"Upsample of an input of shape {x.shape}",
            why="it works on images (N, C, H, W) only, in Caffe too",
        )
    config = {"size": [scale, scale], "data_format": layer.data_format, "interpolation": "nearest"}
    return KerasLayer("UpSampling2D", config)


@maps("Unpooling", wants="image", fixes_size=True)
def unpooling(layer: Placed) -> Fragment:
    """Each value where a maximum pooling had found it, or spread over its window.

    Caffe    MAX puts it where the mask says, or where its window begins; AVE shares it out over
             its window, TILE repeats it there; unpool_size, or unpool_h and unpool_w
    Keras    caffe2keras>MaxUnpooling2D with a mask, else caffe2keras>Unpooling2D
    Refuses  MAX without a mask where windows begin outside the output
    Source   unpooling_layer.cu in HyeonwooNoh's fork, which DeconvNet uses
    """
    p = layer.params.unpooling_param
    kernel, stride, size = unpool_window(p)
    method = p.unpool
    config: dict[str, Any] = {"size": list(size), "data_format": layer.data_format}
    if method == "MAX" and len(layer.inputs) == 2:
        return line(KerasLayer("caffe2keras>MaxUnpooling2D", config), inputs=2)
    if method == "MAX":
        _refuse_windows_outside(layer, stride, size)
    config |= {
        "spread": {"MAX": "first", "AVE": "share", "TILE": "tile"}[method],
        "pool_size": list(kernel),
        "strides": list(stride),
    }
    return line(KerasLayer("caffe2keras>Unpooling2D", config))


def _refuse_windows_outside(layer: Placed, stride: Shape, size: Shape) -> None:
    starts = zip(layer.inputs[0].shape[2:], stride, size, strict=True)
    if any((extent - 1) * s >= out for extent, s, out in starts):
        raise UnsupportedCombinationError(
            what=f"an unpooling to {size} of windows that begin outside",
            why="Caffe puts all of them on the last row or column, one over the other",
        )


@maps("Interp", wants="image")
def interp(layer: Placed) -> Fragment:
    """Bilinear resizing in which the corner pixels stay at the corners.

    Caffe    pad_beg, pad_end (0 or less: cropped first); shrink_factor or zoom_factor alone; else
             height and width; else both factors, shrinking first
    Keras    caffe2keras>Interpolation2D
    Refuses  use_blob_size, which another fork has
    Source   interp_layer.cpp and util/interp.cpp in hszhao's PSPNet, from DeepLab
    """
    p = layer.params.interp_param
    if p.use_blob_size or len(layer.inputs) > 1:
        raise UnsupportedFieldError(
            what="interp_param.use_blob_size = true",
            why="no source is known here that says what it computes",
            hint="give height and width instead",
        )
    config: dict[str, Any] = {
        "crop": [-p.pad_beg, -p.pad_end],
        "data_format": layer.data_format,
    }
    size = _explicit_size(p)
    if size is not None:
        return line(KerasLayer("caffe2keras>Interpolation2D", {**config, "size": list(size)}))
    p.honoured("height", "width")
    config |= {"shrink": p.shrink_factor, "zoom": p.zoom_factor}
    return line(KerasLayer("caffe2keras>Interpolation2D", config))


def _explicit_size(p: Params) -> Shape | None:
    """Height and width, where neither factor goes before them (interp_layer.cpp: Reshape)."""
    one_factor = p.has("shrink_factor") != p.has("zoom_factor")
    if one_factor or not (p.has("height") and p.has("width")):
        return None
    return p.height, p.width
