"""Windows counted by placing them one after the other."""

from __future__ import annotations

from google.protobuf import text_format
from hypothesis import assume, given
from hypothesis import strategies as st

from caffe2keras.errors import ShapeError
from caffe2keras.params import Params
from caffe2keras.proto.caffe_pb2 import ConvolutionParameter, PoolingParameter
from caffe2keras.shapes.geometry import conv_geometry, pool_geometry

sizes = st.integers(1, 24)
kernels = st.integers(1, 6)
strides = st.integers(1, 5)
dilations = st.integers(1, 3)


def read_conv(text: str, *spatial: int):
    return conv_geometry(Params(text_format.Parse(text, ConvolutionParameter())), (2, 3, *spatial))


def read_pool(text: str, *spatial: int):
    return pool_geometry(Params(text_format.Parse(text, PoolingParameter())), (2, 3, *spatial))


def starts(size: int, extent: int, stride: int, pad: int) -> list[int]:
    """Where windows stand that lie wholly on the padded axis, the image at 0."""
    return [at for at in range(-pad, size + pad, stride) if at + extent <= size + pad]


@given(st.tuples(sizes, kernels, strides, st.integers(0, 4), dilations))
def test_a_convolution_has_as_many_outputs_as_windows_fit(axis):
    size, kernel, stride, pad, dilation = axis
    windows = starts(size, dilation * (kernel - 1) + 1, stride, pad)
    assume(windows)
    text = f"kernel_size: {kernel} stride: {stride} pad: {pad} dilation: {dilation}"
    geometry = read_conv(text, size)
    assert geometry.convolved((size,)) == (len(windows),)
    assert geometry.padding((size,)) == ((pad, pad),)


@given(st.tuples(sizes, kernels, strides, st.integers(0, 4), dilations))
def test_a_deconvolution_reaches_as_far_as_its_last_window(axis):
    size, kernel, stride, pad, dilation = axis
    reached = max(at * stride + tap * dilation for at in range(size) for tap in range(kernel))
    out = reached + 1 - 2 * pad
    assume(out > 0)
    text = f"kernel_size: {kernel} stride: {stride} pad: {pad} dilation: {dilation}"
    assert read_conv(text, size).deconvolved((size,)) == (out,)


@given(st.tuples(sizes, kernels, strides, dilations), st.integers(0, 4))
def test_what_a_convolution_makes_a_deconvolution_undoes_but_for_the_remainder(axis, pad):
    size, kernel, stride, dilation = axis
    text = f"kernel_size: {kernel} stride: {stride} pad: {pad} dilation: {dilation}"
    geometry = read_conv(text, size)
    assume(size + 2 * pad >= geometry.extent[0] and size >= stride)
    (back,) = geometry.deconvolved(geometry.convolved((size,)))
    assert 0 <= size - back < stride


@given(sizes, st.integers(1, 7), st.integers(1, 3))
def test_an_overhanging_window_is_padded_until_it_is_whole(size, overhang, more):
    geometry = read_conv(f"kernel_size: {size + overhang} stride: {overhang + more}", size)
    assert geometry.convolved((size,)) == (1,)
    assert geometry.padding((size,)) == ((0, overhang),)


@given(*[st.tuples(sizes, kernels, strides, st.integers(0, 5))] * 2)
def test_a_pooling_covers_the_image_and_no_window_starts_behind_it(h, w):
    axes = (h, w)
    assume(all(k <= size + 2 * pad and pad < k for size, k, _, pad in axes))
    names = ("h", "w")
    text = " ".join(
        f"kernel_{n}: {k} stride_{n}: {s} pad_{n}: {p}"
        for n, (_, k, s, p) in zip(names, axes, strict=True)
    )
    geometry = read_pool(text, h[0], w[0])
    padded = bool(h[3] or w[3])
    for (size, kernel, stride, pad), windows in zip(axes, geometry.out, strict=True):
        assert windows == pooled(size, kernel, stride, pad, clipped=padded)
    assert geometry.kernel == (h[1], w[1])
    assert geometry.stride == (h[2], w[2])
    assert geometry.pad == (h[3], w[3])


def pooled(size: int, kernel: int, stride: int, pad: int, *, clipped: bool) -> int:
    """Windows are laid until one reaches the padded end, then the last may be taken back."""
    windows = [-pad]
    while windows[-1] + kernel < size + pad:
        windows.append(windows[-1] + stride)
    if clipped and windows[-1] >= size:
        windows.pop()
    return len(windows)


@given(sizes, kernels, strides)
def test_rounding_down_drops_the_partial_window(size, kernel, stride):
    assume(kernel <= size)
    geometry = read_pool(f"kernel_size: {kernel} stride: {stride} ceil_mode: false", size, 30)
    assert geometry.out[0] == len(starts(size, kernel, stride, 0))
    assert not geometry.ceil_mode


@given(st.data())
def test_whatever_the_fields_say_the_reader_answers_or_refuses(data):
    number = st.integers(0, 7)
    fields = {
        name: data.draw(st.lists(number, max_size=1 if name[-2:] in ("_h", "_w") else 3))
        for name in ("kernel_size", "kernel_h", "kernel_w", "stride", "stride_h", "pad", "pad_w")
    }
    text = " ".join(f"{name}: {value}" for name, values in fields.items() for value in values)
    spatial = data.draw(st.lists(sizes, max_size=3))
    try:
        geometry = read_conv(text, *spatial)
        out = geometry.convolved(tuple(spatial))
    except ShapeError:
        return
    assert len(out) == len(geometry.kernel) == len(spatial)
    assert all(extent > 0 for extent in out)
