"""SpatialDropoutLayer, ENet's Python layer: dropout of whole feature maps.

Its prototxt: ``param_str: "{'phase': 'TEST', 'p': '0.1'}"``. What it does hangs on that phase,
not on the net's (python/spatial_dropout.py in TimoSaemann's caffe-enet).
"""

import ast
from collections.abc import Sequence

from caffe2keras.plugin import (
    Arrays,
    Fragment,
    Inferred,
    KerasLayer,
    Layer,
    Note,
    Params,
    Placed,
    Shape,
    ShapeError,
    Tops,
    blobs,
    computes,
    demand,
    infers,
    line,
    maps,
)

TYPE = "Python:spatial_dropout.SpatialDropoutLayer"


def settings_of(params: Params) -> tuple[bool, float]:
    """Whether it drops anything, and the share that it drops."""
    text = params.python_param.param_str
    try:
        given = ast.literal_eval(text)
        drops, share = given["phase"] == "TRAIN", float(given["p"])
    except (SyntaxError, ValueError, TypeError, KeyError) as error:
        what = f"param_str is no dictionary with a phase and a p: {text!r}"
        raise ShapeError(what=what) from error
    unknown = sorted(given.keys() - {"phase", "p"})
    demand(not unknown, f"param_str has {unknown}, which the layer does not read")
    demand(0 < share < 1, f"p is {share:g}, it must lie between 0 and 1")
    return drops, share


@infers(TYPE)
@blobs(bottoms=1)
def spatial_dropout_shape(params: Params, bottoms: Sequence[Shape], tops: int) -> Inferred:
    """The top is like the bottom, (N, C, H, W)."""
    settings_of(params)
    demand(len(bottoms[0]) == 4, f"it takes (N, C, H, W), received {bottoms[0]}")
    return Inferred((bottoms[0],))


@maps(TYPE)
def spatial_dropout(layer: Placed) -> Fragment:
    """A factor of 1 / (1 - p) in both phases; TRAIN drops feature maps at random before it.

    Caffe    in param_str p, and phase: TRAIN drops in every forward pass; TEST never
    Keras    caffe2keras>Power; caffe2keras>SampledDropout for TRAIN
    """
    drops, share = settings_of(layer.params)
    if not drops:
        factor = {"scale": 1 / (1 - share), "power": 1.0, "shift": 0.0}
        return line(KerasLayer("caffe2keras>Power", factor))
    x = layer.inputs[0]
    channel = x.keras_axis(1)
    maps_of_each_image = [None if axis in (0, channel) else 1 for axis in range(x.rank)]
    config = {"rate": share, "noise_shape": maps_of_each_image}
    text = (
        "it drops feature maps in every prediction, as 'phase': 'TRAIN' in its param_str asks; "
        "verify compares the mean, and sampling = False in the Keras layer gives it"
    )
    notes = (Note("decided", layer.name, text),)
    return line(KerasLayer("caffe2keras>SampledDropout", config), notes=notes)


@computes(TYPE)
def spatial_dropout_in_numpy(layer: Layer, bottoms: Arrays, weights: Arrays) -> Tops:
    """What ``verify --oracle`` compares with: TRAIN's mean is its bottom."""
    drops, share = settings_of(layer.params)
    return (bottoms[0] if drops else bottoms[0] / (1 - share),)
