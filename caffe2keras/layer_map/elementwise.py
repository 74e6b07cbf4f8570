"""Arithmetic on whole blobs, number by number."""

from __future__ import annotations

from caffe2keras.errors import UnsupportedCombinationError
from caffe2keras.layer_map.registry import Placed, maps
from caffe2keras.params import Params
from caffe2keras.spec import (
    Call,
    Fragment,
    FragmentInput,
    FragmentOutput,
    KerasLayer,
    Variable,
    line,
)

__all__ = ["axpy", "channel_scale", "eltwise", "exp", "log", "power"]


@maps("Eltwise", any_batch_axis=True)
def eltwise(layer: Placed) -> Fragment:
    """Product, (weighted) sum or maximum of blobs of one shape.

    Caffe    operation PROD, SUM with one coeff for each bottom, MAX
    Keras    Multiply, Add, Maximum; Subtract for 1, -1; caffe2keras>WeightedSum for other coeffs
    """
    p = layer.params.eltwise_param
    # stable_prod_grad chooses between two ways to compute the same gradient (eltwise_layer.cpp).
    p.honoured("stable_prod_grad")
    operation, coeff = p.operation, p.coeff
    if operation != "SUM":
        # eltwise_layer.cpp refuses coefficients for anything but SUM.
        class_name = {"PROD": "Multiply", "MAX": "Maximum"}[operation]
        return line(KerasLayer(class_name, {}), inputs=len(layer.inputs))
    return line(_sum(coeff), inputs=len(layer.inputs))


def _sum(coeff: tuple[float, ...]) -> KerasLayer:
    if all(c == 1 for c in coeff):
        return KerasLayer("Add", {})
    if coeff == (1, -1):
        return KerasLayer("Subtract", {})
    return KerasLayer("caffe2keras>WeightedSum", {"coefficients": list(coeff)})


@maps("Axpy", wants="image")
def axpy(layer: Placed) -> Fragment:
    """One blob, each channel times a factor, plus another.

    Caffe    factors a (N, C) or (N, C, 1, 1), x and y alike: a * x + y
    Keras    Multiply and Add; caffe2keras>BroadcastMultiply and Add for factors (N, C)
    Refuses  factors with other axes
    Source   axpy_layer.cpp in hujie-frank's SENet
    """
    a, x, _ = layer.inputs
    if a.rank not in (2, x.rank):
        raise UnsupportedCombinationError(
            what=f"Axpy of factors {a.shape} with {x.shape}",
            why="no net is known whose factors have axes of their own",
            hint="flatten the factors to (N, C)",
        )
    factors, blob, term = (FragmentInput(i) for i in range(3))
    if a.rank == x.rank:
        product = Call(KerasLayer("Multiply", {}, suffix="_scale"), (blob, factors))
    else:
        config = {"axes": sorted(x.keras_axis(axis) for axis in range(a.rank))}
        scaled = KerasLayer("caffe2keras>BroadcastMultiply", config, suffix="_scale")
        product = Call(scaled, (blob, factors))
    total = Call(KerasLayer("Add", {}), (FragmentOutput(0), term))
    return Fragment((product, total), (FragmentOutput(1),), (x.layout,))


@maps("ChannelScale", wants="image")
def channel_scale(layer: Placed) -> Fragment:
    """Every channel times a factor for each pixel.

    Caffe    x (N, C, H, W), factors (N, 1, H, W); with global_scale one learned factor, (1,);
             do_forward
    Keras    Multiply; caffe2keras>Scale for global_scale; nothing at all without do_forward
    Refuses  factors of another shape, the learned factor as a second top
    Source   channel_scale_layer.cpp in happynear's caffe-windows
    """
    x, factors = layer.inputs
    p = layer.params.channel_scale_param
    p.honoured("do_backward_feature", "do_backward_scale")  # training's
    p.honoured("max_global_scale", "min_global_scale", "init_global_scale")  # likewise
    if len(layer.outputs) > 1:
        raise UnsupportedCombinationError(
            what="ChannelScale with its factor as a top",
            why="a number that depends on no input has no place in a model that predicts",
        )
    if not p.do_forward:
        return line()
    if p.global_scale:
        (weight,) = layer.weights
        gamma = Variable("gamma", (), weight.array.reshape(()), weight)
        config = {"axes": [], "use_scale": True, "use_bias": False}
        return line(KerasLayer("caffe2keras>Scale", config, (gamma,)))
    if factors.shape != (x.shape[0], 1, *x.shape[2:]):
        raise UnsupportedCombinationError(
            what=f"ChannelScale of {x.shape} with factors {factors.shape}",
            why="their numbers fit, but not their axes",
            hint=f"reshape the factors to {(x.shape[0], 1, *x.shape[2:])}",
        )
    return line(KerasLayer("Multiply", {}), inputs=2)


@maps("Power", any_batch_axis=True)
def power(layer: Placed) -> Fragment:
    """A power of a linear function.

    Caffe    (shift + scale * x) ** power
    Keras    caffe2keras>Power; nothing at all for the identity
    """
    p = layer.params.power_param
    config = {"power": p.power, "scale": p.scale, "shift": p.shift}
    if config == {"power": 1.0, "scale": 1.0, "shift": 0.0}:
        return line()
    return line(KerasLayer("caffe2keras>Power", config))


@maps("Exp", any_batch_axis=True)
def exp(layer: Placed) -> Fragment:
    """A base to the power of a linear function.

    Caffe    base ** (shift + scale * x); base -1 stands for e
    Keras    caffe2keras>Exp
    """
    return line(KerasLayer("caffe2keras>Exp", _linear(layer.params.exp_param)))


@maps("Log", any_batch_axis=True)
def log(layer: Placed) -> Fragment:
    """The logarithm of a linear function.

    Caffe    log of shift + scale * x to a base; base -1 stands for e
    Keras    caffe2keras>Log
    """
    return line(KerasLayer("caffe2keras>Log", _linear(layer.params.log_param)))


def _linear(p: Params) -> dict[str, float]:
    return {"base": p.base, "scale": p.scale, "shift": p.shift}
