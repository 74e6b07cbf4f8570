"""Layers that pick, repeat or look up: Embed, Tile, BatchReindex, Filter."""

from __future__ import annotations

from caffe2keras.layer_map.registry import Placed, maps
from caffe2keras.layout import Layout
from caffe2keras.spec import (
    Call,
    Fragment,
    FragmentInput,
    FragmentOutput,
    KerasLayer,
    Variable,
    line,
)

__all__ = ["batch_reindex", "embed", "filter_", "tile"]


@maps("Embed", any_batch_axis=True)
def embed(layer: Placed) -> Fragment:
    """A row of a table for each index.

    Caffe    W (input_dim, num_output), b (num_output,)
    Keras    Embedding, and caffe2keras>Scale for the bias
    """
    x, p = layer.inputs[0], layer.params.embed_param
    weight, *bias = layer.weights
    p.honoured("bias_term")  # the second array says it
    config = {
        "input_dim": p.input_dim,
        "output_dim": p.num_output,
        "embeddings_initializer": "zeros",
    }
    table = Variable("embeddings", weight.shape, weight.array, weight)
    layers = [KerasLayer("Embedding", config, (table,))]
    for b in bias:
        add = {"axes": [x.rank], "use_scale": False, "use_bias": True}
        beta = Variable("beta", b.shape, b.array, b)
        layers.append(KerasLayer("caffe2keras>Scale", add, (beta,), suffix="_bias"))
    return line(*layers, layout=Layout((*x.layout.permutation, x.rank)))


@maps("Tile", any_batch_axis=True)
def tile(layer: Placed) -> Fragment:
    """A blob so many times in a row along an axis.

    Caffe    axis, tiles
    Keras    caffe2keras>Tile
    Differs  along axis 0 the batch size is fixed
    """
    p = layer.params.tile_param
    axis = layer.inputs[0].keras_axis(p.axis)
    repeat = KerasLayer("caffe2keras>Tile", {"axis": axis, "tiles": p.tiles})
    return line(repeat, ties_batch=axis == 0)


@maps("BatchReindex")
def batch_reindex(layer: Placed) -> Fragment:
    """Samples of the batch in another order, some of them more than once.

    Caffe    the second bottom holds the indices
    Keras    caffe2keras>BatchReindex
    Differs  the batch size is fixed
    """
    return line(KerasLayer("caffe2keras>BatchReindex", {}), inputs=2, ties_batch=True)


@maps("Filter", wants="free")
def filter_(layer: Placed) -> Fragment:
    """The samples that a selector marks.

    Caffe    the last bottom is the selector: 0 drops the sample
    Keras    caffe2keras>Filter
    """
    inputs = tuple(FragmentInput(i) for i in range(len(layer.inputs)))
    call = Call(KerasLayer("caffe2keras>Filter", {}), inputs)
    outputs = tuple(FragmentOutput(0, i) for i in range(len(layer.outputs)))
    layouts = tuple(operand.layout for operand in layer.inputs[:-1])
    return Fragment((call,), outputs, layouts)
