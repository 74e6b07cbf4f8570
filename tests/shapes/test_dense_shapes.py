"""InnerProduct, Embed and what else picks or multiplies rows, by hand."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("fields", "bottom", "top", "weights"),
    [
        ("num_output: 4", (2, 3, 5, 7), (2, 4), [(4, 105), (4,)]),
        ("num_output: 4 transpose: true", (2, 3, 5), (2, 4), [(15, 4), (4,)]),
        ("num_output: 4 axis: 2 bias_term: false", (2, 3, 5, 7), (2, 3, 4), [(4, 35)]),
        ("num_output: 4 axis: -1", (2, 3, 5), (2, 3, 4), [(4, 5), (4,)]),
        ("num_output: 4 axis: 0", (2, 3, 5), (4,), [(4, 30), (4,)]),
    ],
)
def test_an_inner_product_multiplies_everything_from_its_axis_on(
    inferred, fields, bottom, top, weights
):
    answer = inferred("InnerProduct", f"inner_product_param {{ {fields} }}", bottom)
    assert answer.tops == (top,)
    assert answer.weights == tuple(weights)


def test_an_inner_product_needs_outputs_and_an_axis(refused):
    refused("num_output is missing", "InnerProduct", "", (2, 3))
    refused("axis 1 is out of range", "InnerProduct", "inner_product_param { num_output: 4 }", (2,))


def test_an_embedding_gives_each_index_a_row(inferred, refused):
    answer = inferred("Embed", "embed_param { num_output: 4 input_dim: 9 }", (2, 3))
    assert answer.tops == ((2, 3, 4),)
    assert answer.weights == ((9, 4), (4,))
    text = "embed_param { num_output: 4 input_dim: 9 bias_term: false }"
    assert inferred("Embed", text, (5,)).weights == ((9, 4),)
    refused("input_dim is missing", "Embed", "embed_param { num_output: 4 }", (2, 3))
    refused("num_output is missing", "Embed", "embed_param { input_dim: 4 }", (2, 3))


def test_a_batch_reindex_has_as_many_items_as_indices(inferred, refused):
    assert inferred("BatchReindex", "", (2, 3, 4), (5,)).tops == ((5, 3, 4),)
    refused("the indices take 1 axis", "BatchReindex", "", (2, 3), (5, 1))


def test_a_filter_has_room_for_every_item(inferred, refused):
    answer = inferred("Filter", "", (4, 3), (4, 5, 6), (4, 1), tops=2)
    assert answer.tops == ((4, 3), (4, 5, 6))
    refused("must have extent 1", "Filter", "", (4, 3), (4, 2))
    refused("has another first extent", "Filter", "", (4, 3), (5, 1))
    refused("it produces 1 outputs", "Filter", "", (4, 3), (4, 1), tops=2)
    refused("at least 2 inputs", "Filter", "", (4, 3))


@pytest.mark.parametrize(
    ("fields", "bottom", "top"),
    [
        ("", (2, 3), ()),
        ("axis: 1 operation: MEAN", (2, 3, 4), (2,)),
        ("axis: -1 operation: ASUM", (2, 3, 4), (2, 3)),
    ],
)
def test_a_reduction_drops_the_axes_from_its_own_on(inferred, fields, bottom, top):
    assert inferred("Reduction", f"reduction_param {{ {fields} }}", bottom).tops == (top,)


def test_a_scalar_cannot_be_reduced(refused):
    refused("axis 0 is out of range", "Reduction", "", ())


@pytest.mark.parametrize(
    ("fields", "bottom", "top"),
    [
        ("", (2, 3), (2, 1, 1)),
        ("top_k: 2 out_max_val: true", (2, 3), (2, 2, 2)),
        ("top_k: 2 out_max_val: true", (2, 3, 4, 5, 6), (2, 2, 2, 1, 1)),
        ("", (2,), (2, 1, 1)),
        ("axis: -1 top_k: 2", (2, 3), (2, 2)),
        ("axis: 1 top_k: 2 out_max_val: true", (4, 3, 5, 6), (4, 2, 5, 6)),
    ],
)
def test_an_argmax_keeps_the_k_largest(inferred, fields, bottom, top):
    assert inferred("ArgMax", f"argmax_param {{ {fields} }}", bottom).tops == (top,)


def test_an_argmax_of_more_than_there_is_is_refused(refused):
    refused("exceeds the 6 numbers", "ArgMax", "argmax_param { top_k: 7 }", (2, 3, 2))
    refused("exceeds the extent", "ArgMax", "argmax_param { top_k: 4 axis: 1 }", (2, 3, 9))
    refused("top_k is 0", "ArgMax", "argmax_param { top_k: 0 }", (2, 3))
    refused("received a scalar", "ArgMax", "", ())
