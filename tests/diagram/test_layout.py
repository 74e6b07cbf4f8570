import itertools
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe2keras.diagram.layout import Box, Wire, lay_out
from caffe2keras.diagram.order import order_ranks
from caffe2keras.diagram.ranks import rank_boxes, reach


def chain_with_shortcuts(count, every=3):
    """A residual net's wiring: each box reads the one before, some also one further up."""
    wires = [Wire(box - 1, 0, box) for box in range(1, count)]
    return wires + [Wire(box - every, 0, box) for box in range(every, count, every)]


def boxes_of(count):
    return [Box(90 + 7 * (place % 11), 22 + 14 * (place % 3)) for place in range(count)]


def overlapping(boxes, layout):
    """Pairs of boxes that share some place; sorted by x, so that it takes no quadratic time."""
    frames = sorted(
        (x, y, x + box.width, y + box.height)
        for (x, y), box in zip(layout.corners, boxes, strict=True)
    )
    open_frames = []
    for one in frames:
        open_frames = [other for other in open_frames if other[2] > one[0]]
        for other in open_frames:
            if other[1] < one[3] and one[1] < other[3]:
                yield one, other
        open_frames.append(one)


@st.composite
def nets(draw):
    count = draw(st.integers(1, 40))
    chooser = random.Random(draw(st.integers(0, 2**32)))
    boxes = [
        Box(chooser.uniform(30, 250), chooser.uniform(20, 60), chooser.randint(1, 4))
        for _ in range(count)
    ]
    pairs = {
        (source, chooser.randrange(boxes[source].ports), target)
        for target in range(1, count)
        for source in chooser.sample(range(target), chooser.randint(0, min(target, 3)))
    }
    return boxes, [Wire(*pair) for pair in sorted(pairs)]


@given(nets())
def test_no_two_boxes_overlap(net):
    boxes, wires = net
    assert list(overlapping(boxes, lay_out(boxes, wires))) == []


@given(nets())
def test_every_wire_arrives_at_its_boxs_upper_edge(net):
    boxes, wires = net
    layout = lay_out(boxes, wires)
    ends = {(line.source, line.port): line.arrows for line in layout.lines}
    stubs = {(stub.source, stub.port, stub.target) for stub in layout.stubs}
    for wire in wires:
        (x, y), width = layout.corners[wire.target], boxes[wire.target].width
        arrived = any(
            end[1] == y and x <= end[0] <= x + width for end in ends[wire.source, wire.port]
        )
        assert arrived or (wire.source, wire.port, wire.target) in stubs


@given(nets())
def test_lines_go_forward_within_a_column(net):
    boxes, wires = net
    layout = lay_out(boxes, wires)
    for stroke in (stroke for line in layout.lines for stroke in line.strokes):
        if len(stroke.points) < 6:  # a line with six corners goes up to the next column
            heights = [y for _, y in stroke.points]
            assert heights == sorted(heights)


@given(nets())
def test_everything_lies_within_the_picture(net):
    boxes, wires = net
    layout = lay_out(boxes, wires)
    for (x, y), box in zip(layout.corners, boxes, strict=True):
        assert x >= 0 and y >= 0
        assert x + box.width <= layout.width and y + box.height <= layout.height
    for stroke in (stroke for line in layout.lines for stroke in line.strokes):
        assert all(0 <= x <= layout.width and 0 <= y <= layout.height for x, y in stroke.points)


@given(nets())
def test_the_same_net_gives_the_same_picture(net):
    assert lay_out(*net) == lay_out(*net)


def test_a_chain_runs_straight_down():
    boxes = [Box(100, 30), Box(160, 40), Box(90, 30)]
    layout = lay_out(boxes, [Wire(0, 0, 1), Wire(1, 0, 2)])
    centres = {x + box.width / 2 for (x, _), box in zip(layout.corners, boxes, strict=True)}
    assert len({round(centre, 6) for centre in centres}) == 1
    heights = [y for _, y in layout.corners]
    assert heights == sorted(heights)


def test_a_net_without_boxes_is_an_empty_picture():
    assert lay_out([], []).corners == ()


def test_an_input_that_is_read_late_stands_above_its_reader():
    ranks = rank_boxes(5, [(0, 2), (2, 3), (3, 4), (1, 4)])
    assert ranks == [0, 2, 1, 2, 3]


def test_crossing_lines_are_untangled():
    rows = order_ranks([[0, 1, 2], [3, 4, 5]], [(0, 0, 5), (1, 0, 4), (2, 0, 3)])
    above, below = rows
    assert [5 - box for box in above] == below or [5 - box for box in below] == above


def test_branches_follow_the_ports_of_a_slice():
    boxes = [Box(300, 30, 3), *(Box(80, 30) for _ in range(3))]
    layout = lay_out(boxes, [Wire(0, 2, 1), Wire(0, 0, 2), Wire(0, 1, 3)])
    across = [layout.corners[box][0] for box in (2, 3, 1)]
    assert across == sorted(across)


def test_a_long_chain_is_broken_into_columns_of_a_screens_shape():
    boxes = boxes_of(500)
    layout = lay_out(boxes, chain_with_shortcuts(500))
    assert 1 < layout.width / layout.height < 4


def test_a_short_one_is_not():
    boxes = boxes_of(12)
    layout = lay_out(boxes, chain_with_shortcuts(12))
    lefts = [x for x, _ in layout.corners]
    assert max(lefts) - min(lefts) < 400


def test_where_many_lines_pass_a_column_is_not_broken():
    # every box reads every one of the first ten, down to the end
    wires = [Wire(box - 1, 0, box) for box in range(1, 200)]
    wires += [Wire(first, 0, box) for first in range(10) for box in range(first + 2, 200)]
    layout = lay_out(boxes_of(200), wires)
    heights = [y for _, y in layout.corners]
    assert heights == sorted(heights)


def test_lines_too_long_to_draw_end_in_stubs():
    count = 400
    wires = [Wire(box - 1, 0, box) for box in range(1, count)]
    wires += [Wire(0, port, count - 1 - port) for port in range(1, 120)]
    boxes = [Box(900, 30, 120), *boxes_of(count)[1:]]
    layout = lay_out(boxes, wires)
    drawn = sum(len(line.arrows) for line in layout.lines)
    assert drawn + len(layout.stubs) == len(wires)
    assert layout.stubs


def test_the_longest_span_keeps_to_the_budget():
    assert reach([3, 5, 2], budget=100) == 5
    longest = reach([400] * 300, budget=9000)
    assert 300 * longest <= 9000


@pytest.mark.parametrize("count", [500, 5000])
def test_large_nets_are_laid_out_without_overlaps(count):
    boxes = boxes_of(count)
    layout = lay_out(boxes, chain_with_shortcuts(count))
    assert next(overlapping(boxes, layout), None) is None


def test_the_time_grows_with_the_net_and_not_with_its_square():
    def seconds(count):
        boxes, wires = boxes_of(count), chain_with_shortcuts(count)
        took = []
        for _ in range(3):
            began = time.process_time()
            lay_out(boxes, wires)
            took.append(time.process_time() - began)
        return min(took)

    # ten times the boxes: 10 if linear, 100 if quadratic
    assert seconds(5000) < 35 * seconds(500)


def test_a_layer_read_by_everybody_is_no_matter_of_minutes():
    count = 2000
    wires = list(
        itertools.chain.from_iterable(
            (Wire(0, 0, box), Wire(box - 1, 0, box)) for box in range(2, count)
        )
    )
    began = time.process_time()
    lay_out(boxes_of(count), wires)
    assert time.process_time() - began < 20
