"""Which rank each box stands in: below all that it reads, as high as that allows."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["rank_boxes", "reach"]

Link = tuple[int, int]


def rank_boxes(count: int, links: Sequence[Link]) -> list[int]:
    """The rank of each box, from 0 on.

    A box that reads nothing goes down to just above the first that reads it, so that the inputs
    of a net's end do not stand at its beginning.

    Args:
        count: how many boxes.
        links: (source, target), the target always behind the source.
    """
    ranks = [0] * count
    for source, target in sorted(links):  # by source: its rank is final when it is read
        ranks[target] = max(ranks[target], ranks[source] + 1)
    fed = {target for _, target in links}
    nearest: dict[int, int] = {}
    for source, target in links:
        nearest[source] = min(nearest.get(source, ranks[target]), ranks[target])
    for box in range(count):
        if box not in fed and box in nearest:
            ranks[box] = nearest[box] - 1
    return ranks


def reach(spans: Sequence[int], budget: int) -> int:
    """The longest span that may be drawn, so that all the spans together keep to a budget.

    A line past many ranks takes a place in each of them; a net of a thousand steps, each of which
    reads the first layer, would have half a million such places.
    """
    longest = max(spans, default=0)
    while longest > 1 and sum(min(span, longest) for span in spans) > budget:
        longest = longest * 3 // 4
    return longest
