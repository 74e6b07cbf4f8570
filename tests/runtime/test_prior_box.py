"""SSD's priors against Caffe's own loops."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import PriorBox


def priors(layer, cells, image):
    """prior_box_layer.cpp, box by box."""
    (rows, columns), (height, width) = cells, layer.image_size or image
    down, across = layer.steps or (height / rows, width / columns)
    boxes = []
    for i in range(rows):
        for j in range(columns):
            y, x = (i + layer.offset) * down, (j + layer.offset) * across
            for n, size in enumerate(layer.min_sizes):
                least = int(size)
                sizes = [(least, least)]
                if layer.max_sizes:
                    sizes.append(((least * int(layer.max_sizes[n])) ** 0.5,) * 2)
                sizes += [(least * r**0.5, least / r**0.5) for r in layer.aspect_ratios]
                for w, h in sizes:
                    edges = [(x - w / 2) / width, (y - h / 2) / height]
                    boxes += [*edges, (x + w / 2) / width, (y + h / 2) / height]
    boxes = np.clip(boxes, 0, 1) if layer.clip else np.array(boxes)
    return np.stack([boxes, np.resize(layer.variances, boxes.size)])[None]


def images(cells, image, data_format):
    shapes = [(2, 5, *cells), (2, 3, *image)]
    if data_format == "channels_last":
        shapes = [(shape[0], *shape[2:], shape[1]) for shape in shapes]
    return [np.zeros(shape, "float32") for shape in shapes]


CASES = [
    {"min_sizes": [20.9]},
    {"min_sizes": [30.0, 41.0], "max_sizes": [60.5, 77.0], "aspect_ratios": [2.0, 0.5, 3.0]},
    {"min_sizes": [33.0], "clip": True, "variances": [0.1, 0.2, 0.3, 0.4]},
    {"min_sizes": [9.0], "image_size": [60, 90], "steps": [14.0, 17.5], "offset": 0.25},
]


@pytest.mark.parametrize("options", CASES)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_every_cell_has_its_boxes(contract, options, data_format):
    layer = PriorBox(**options, data_format=data_format)
    y = contract(layer, *images((3, 4), (48, 80), data_format))
    np.testing.assert_allclose(y, priors(layer, (3, 4), (48, 80)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("options", CASES)
def test_sizes_unknown_until_the_call_change_nothing(dynamic_call, options):
    layer = PriorBox(**options, data_format="channels_last")
    y = dynamic_call(layer, *images((3, 4), (48, 80), "channels_last"))
    np.testing.assert_allclose(y, priors(layer, (3, 4), (48, 80)), rtol=1e-5, atol=1e-6)


def test_the_number_of_boxes_is_known_with_the_cells():
    layer = PriorBox([9.0], aspect_ratios=[2.0, 3.0], data_format="channels_last")
    assert layer.compute_output_shape([(None, 3, 4, 5), (None,) * 4]) == (1, 2, 144)
    assert layer.compute_output_shape([(None, 3, None, 5), (None,) * 4]) == (1, 2, None)
    with pytest.raises(ValueError, match="4 axes"):
        layer.compute_output_shape([(None, 3, 4), (None, 48, 80, 3)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_sizes": []}, "There must be `min_sizes`"),
        ({"min_sizes": [9.0], "max_sizes": [10.0, 20.0]}, "none or as many of `max_sizes`"),
        ({"min_sizes": [9.0], "variances": [0.1, 0.2]}, "one number or four"),
    ],
)
def test_numbers_that_do_not_belong_together_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        PriorBox(**options)
