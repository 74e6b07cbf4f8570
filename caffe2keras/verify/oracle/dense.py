"""Matrix products: InnerProduct and Embed."""

from __future__ import annotations

from math import prod

import numpy as np

from caffe2keras.errors import InputError
from caffe2keras.graph.net import Layer
from caffe2keras.verify.oracle.axes import canonical
from caffe2keras.verify.oracle.registry import Arrays, Tops, computes

__all__ = ["embed", "inner_product"]


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
