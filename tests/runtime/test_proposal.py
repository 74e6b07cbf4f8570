"""Proposals against the loops of the C++ layers and of py-faster-rcnn's."""

from __future__ import annotations

import numpy as np
import pytest

from caffe2keras.runtime import Proposal

LAST = "channels_last"
RATIOS, SCALES = [0.5, 2.0], [20.0, 40.0, 70.0]


def anchors():
    """generate_anchors, whose sides it rounds to whole numbers."""
    boxes = []
    for ratio in RATIOS:
        width = (64 / ratio) ** 0.5
        for scale in SCALES:
            half = [0.5 * int(side * scale / 8 - 1 + 0.5) for side in (width, width * ratio)]
            boxes.append([3.5 - half[0], 3.5 - half[1], 3.5 + half[0], 3.5 + half[1]])
    return boxes


OPTIONS = {"feat_stride": 8, "anchors": anchors(), "min_size": 6}


def overlap(a, b, adjacent=False):
    if not adjacent and (a[0] > b[2] or a[1] > b[3] or a[2] < b[0] or a[3] < b[1]):
        return 0
    sides = [max(0, min(a[i + 2], b[i + 2]) - max(a[i], b[i]) + 1) for i in range(2)]
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return sides[0] * sides[1] / (sum(areas) - sides[0] * sides[1])


def proposals(scores, moves, info, before, after, threshold, drop_small=False):
    """All regions and their scores; scores (N, H, W, 2A), moves (N, H, W, 4A)."""
    rows, values = [], []
    for image in range(len(scores)):
        found = []
        for y, x, k in np.ndindex(*scores.shape[1:3], 6):
            box = np.array(anchors()[k]) + 8 * np.array([x, y, x, y])
            size = box[2:] - box[:2] + 1
            d = moves[image, y, x, 4 * k : 4 * k + 4].astype("float64")
            centre, half = d[:2] * size + box[:2] + 0.5 * size, 0.5 * np.exp(d[2:]) * size
            edge = np.array([info[1], info[0]]) - 1
            box = np.clip(np.concatenate([centre - half, centre + half]), 0, np.tile(edge, 2))
            large = np.all(box[2:] - box[:2] + 1 >= 6 * np.array([info[-1], info[2]]))
            if large or not drop_small:
                found.append((float(scores[image, y, x, 6 + k]) if large else 0.0, box))
        kept = []
        for score, box in sorted(found, key=lambda f: -f[0])[:before]:
            if len(kept) < after and all(overlap(box, other) <= threshold for _, other in kept):
                kept.append((score, box))
        rows += [[image, *box] for _, box in kept]
        values += [score for score, _ in kept]
    return np.array(rows), np.array(values)


@pytest.fixture
def arrays(rng):
    scores = rng.integers(0, 20, size=(2, 3, 4, 12)).astype("float32") / 20  # full of ties
    moves = rng.normal(0, 0.4, size=(2, 3, 4, 24)).astype("float32")
    return scores, moves, np.array([[24, 32, 1.5, 1.75]], "float32")


@pytest.mark.parametrize(("before", "after"), [(30, 5), (6000, 300), (20, 20)])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_best_regions_are_proposed(contract, arrays, before, after, data_format):
    options = {**OPTIONS, "pre_nms_topn": before, "post_nms_topn": after, "nms_thresh": 0.5}
    layer = Proposal(**options, with_scores=True, data_format=data_format)
    given = arrays
    if data_format == "channels_first":
        given = [*(x.transpose(0, 3, 1, 2) for x in arrays[:2]), arrays[2]]
    regions, scores = contract(layer, *given)
    rows, values = proposals(*arrays[:2], arrays[2][0], before, after, 0.5)
    np.testing.assert_allclose(regions, rows, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(scores, values)
    only = contract(Proposal(**options, data_format=data_format), *given)
    np.testing.assert_array_equal(only, regions)


@pytest.mark.parametrize(("drop_small", "remaining"), [(True, 8), (False, 55)])
def test_small_regions_go_or_keep_their_place(contract, arrays, drop_small, remaining):
    info = arrays[2][:, :3] * np.array([1, 1, 2], "float32")
    options = {**OPTIONS, "pre_nms_topn": 60, "post_nms_topn": 40, "nms_thresh": 0.6}
    layer = Proposal(
        **options, drop_small=drop_small, one_scale=True, with_scores=True, data_format=LAST
    )
    regions, scores = contract(layer, *arrays[:2], info)
    rows, values = proposals(*arrays[:2], info[0], 60, 40, 0.6, drop_small)
    assert len(rows) == remaining
    np.testing.assert_allclose(regions, rows, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(scores, values)


@pytest.mark.parametrize("drop_small", [True, False])
def test_where_all_are_small_none_or_one_remains(contract, arrays, drop_small):
    options = {**OPTIONS, "min_size": 99, "pre_nms_topn": 60, "post_nms_topn": 1}
    layer = Proposal(**options, nms_thresh=0.6, drop_small=drop_small, data_format=LAST)
    regions = contract(layer, *arrays)
    assert regions.shape == (0 if drop_small else 2, 5)


@pytest.mark.parametrize("adjacent", [True, False])
def test_regions_half_a_pixel_apart_overlap_if_asked(contract, adjacent):
    # Two cells, 8 pixels apart. An anchor from 0 to 6.5 is 7.5 pixels wide: unmoved, it becomes
    # a box from 0 to 7.5. Ends belonging to it, it shares half a pixel with the next one.
    scores = np.array([[[[0, 0.9], [0, 0.8]]]], "float32")
    boxes = [[0, 0, 7.5, 7.5], [8, 0, 15.5, 7.5]]
    assert overlap(*boxes) == 0
    assert overlap(*boxes, adjacent=True) == 0.5 / 16.5  # times 8.5 rows
    layer = Proposal(
        8, [[0, 0, 6.5, 6.5]], 1, 9, 9, 0.03, one_scale=True, adjacent=adjacent, data_format=LAST
    )
    info = np.array([[20, 30, 1]], "float32")
    regions = contract(layer, scores, np.zeros((1, 1, 2, 4), "float32"), info)
    np.testing.assert_array_equal(regions[:, 1:], boxes[: 1 if adjacent else 2])


def test_how_many_there_are_is_open():
    options = {**OPTIONS, "pre_nms_topn": 30, "post_nms_topn": 5, "nms_thresh": 0.5}
    layer = Proposal(**options, data_format="channels_last")
    shapes = [(2, 3, 4, 12), (2, 3, 4, 24), (1, 4)]
    assert layer.compute_output_shape(shapes) == (None, 5)
    with pytest.raises(ValueError, match="6 anchors take 24 channels"):
        layer.compute_output_shape([shapes[0], (2, 3, 4, 23), shapes[2]])
    with pytest.raises(ValueError, match="H and W must be known"):
        layer.compute_output_shape([(2, 3, None, 12), (2, 3, None, 24), shapes[2]])


def test_a_limit_of_nothing_is_refused():
    with pytest.raises(ValueError, match="must be at least 1"):
        Proposal(**OPTIONS, pre_nms_topn=30, post_nms_topn=0, nms_thresh=0.5)
