"""Everything from an axis on with a matrix: InnerProduct, InnerDistance and Embed."""

from __future__ import annotations

from math import prod

import numpy as np

from caffe2keras.errors import InputError
from caffe2keras.graph.net import Layer
from caffe2keras.verify.oracle.axes import canonical
from caffe2keras.verify.oracle.registry import Arrays, Tops, computes

__all__ = ["embed", "inner_distance", "inner_product"]


@computes("InnerProduct")
def inner_product(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Everything from the axis on becomes one vector (inner_product_layer.cpp).

    Shapes: x (..., K), kernel (O, K), or (K, O) where transposed, bias (O,), y (..., O).
    """
    p = layer.params.inner_product_param
    (x,) = bottoms
    axis = canonical(p.axis, x.ndim)
    width = prod(x.shape[axis:])
    kernel = weights[0]
    kernel = kernel.reshape(width, -1) if p.transpose else kernel.reshape(-1, width).T
    y = x.reshape(-1, width) @ kernel
    if p.bias_term:
        y += weights[1].reshape(-1)
    return (y.reshape(*x.shape[:axis], kernel.shape[1]),)


@computes("InnerDistance")
def inner_distance(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """The squared L2 or the L1 distance to each centre, a row, learned or the second bottom's.

    With normalize learned centres are brought to length 1 (inner_distance_layer.cu in
    caffe-windows; the code for the CPU adds a millionth to the squared length).
    """
    p = layer.params.inner_distance_param
    x = bottoms[0]
    axis = canonical(p.axis, x.ndim)
    centres = bottoms[1] if len(bottoms) > 1 else weights[0]
    centres = centres.reshape(len(centres), -1)
    if p.normalize and len(bottoms) == 1:
        centres = centres / np.sqrt((centres * centres).sum(axis=1, keepdims=True))
    apart = x.reshape(*x.shape[:axis], 1, -1) - centres
    terms = apart * apart if p.distance_type == "L2" else np.abs(apart)
    return (terms.sum(axis=-1),)


@computes("Embed")
def embed(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """Row x of the table for each x; (...) -> (..., O) (embed_layer.cpp).

    Raises:
        InputError: an index is outside the table.
    """
    p = layer.params.embed_param
    (x,) = bottoms
    table = weights[0].reshape(p.input_dim, p.num_output)
    rows = x.astype(np.int64)
    if rows.size and not 0 <= rows.min() <= rows.max() < p.input_dim:
        raise InputError(
            what=f'blob "{layer.bottoms[0].name}" holds indices {rows.min()} to {rows.max()}; '
            f"expected 0 to {p.input_dim - 1}",
            where=str(layer),
        )
    y = table[rows]
    return (y + weights[1].reshape(-1) if p.bias_term else y,)
