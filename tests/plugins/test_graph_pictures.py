"""What models with a graph show of it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mezoo_adaptive_gat import pictures
from mezoo_adaptive_gat.network import AdaptiveGraphNet, Sizes
from mezoo_auwgcn import au_graph
from mezoo_mergcn import graph

UNITS = (1, 2, 4, 12)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["row", "sibling"]), st.sampled_from([None, 0.4]))
def test_mer_gcn_shares_are_what_adjacency_was_made_of(seed, normalisation, threshold):
    shown = np.random.default_rng(seed).random((20, 4)) < 0.4
    share = graph.conditional(shown)
    if threshold is not None:
        share = (share >= threshold) * (1 - np.eye(4))
    made = graph.adjacency(shown, normalisation, threshold)
    np.testing.assert_allclose(graph.shares(made, normalisation), share, atol=1e-9)


def test_mer_gcn_draws_known_units_on_the_face():
    shown = np.eye(4, dtype=bool)
    known = graph.pictures(graph.adjacency(shown, "row", None), "row", UNITS)
    assert [g.title for g in known] == ["Co-occurrence of action units", "Adjacency"]
    assert known[0].names == ("AU 1", "AU 2", "AU 4", "AU 12")
    assert len(set(known[0].places)) == 4
    assert known[1].matrix.sum(axis=1) == pytest.approx(1)
    assert graph.pictures(graph.adjacency(shown, "row", None), "row", (1, 2, 4, 80))[0].places == ()


def test_places_of_units_keep_apart():
    places = [np.array(graph.outline.middle(*graph.SITES[u])) for u in (1, 2, 4, 10, 12, 14, 15, 17, 25)]
    assert min(np.linalg.norm(a - b) for i, a in enumerate(places) for b in places[:i]) > 0.055


def test_auw_gcn_draws_its_regions():
    drawn = au_graph.picture(au_graph.symmetric(), "each region and its mirror image")
    assert len(drawn.names) == len(drawn.places) == 12
    for i, j in enumerate(au_graph.MIRROR):
        x, y = drawn.places[j]
        assert drawn.places[i] == pytest.approx((1 - x, y), abs=2e-3)
    np.testing.assert_array_equal(drawn.matrix, au_graph.symmetric())


@pytest.mark.parametrize("rule", ["add", "mul", "static", "attention"])
def test_adaptive_gat_shows_the_attention_it_uses(rule):
    torch.manual_seed(0)
    sizes = Sizes(2, 4, 2, 8, rule, "conv", 0.2, 0.0)
    net = AdaptiveGraphNet(12, 3, sizes).eval()
    motion = torch.randn(5, 3, 12, 2)
    with torch.inference_mode():
        found = net.gathered(motion)
        layer = net.layers[0].attention
        weights = layer.weights(layer.project(motion).unflatten(-1, (2, 4)))
    assert [w.shape for w in found] == [(12, 12)] * 2
    for w in found:
        torch.testing.assert_close(w.sum(-1), torch.ones(12))
    mean = weights if rule == "static" else weights.mean((0, 1, 4))
    torch.testing.assert_close(found[0], mean)
    learnt = net.adjacencies()
    assert [a is None for a in learnt] == [rule == "attention"] * 2
    drawn = pictures.pictures(
        [w.numpy() for w in found], [a if a is None else a.detach().numpy() for a in learnt], rule
    )
    assert len(drawn) == (2 if rule == "attention" else 4)
    assert drawn[0].names[0] == "brow 18"
    assert len(drawn[0].places) == 12


def test_other_regions_have_numbers_and_no_place():
    (drawn,) = pictures.pictures([np.eye(5)], [], "add")
    assert drawn.names == ("node 0", "node 1", "node 2", "node 3", "node 4")
    assert drawn.places == ()
