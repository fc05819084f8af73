"""Fields derived from a flow, against what can be worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mezoo_flow import fields

Y, X = np.mgrid[:9, :11].astype(np.float32)
SMALL = st.floats(-2, 2, width=32)


def affine(a, b, c, d, shift=(0.0, 0.0)):
    """u = a x + b y, v = c x + d y, and a shift: (9, 11, 2) float32."""
    return np.stack([a * X + b * Y + shift[0], c * X + d * Y + shift[1]], axis=2).astype(np.float32)


@given(SMALL, SMALL, SMALL, SMALL)
def test_strain_of_an_affine_field_is_the_same_everywhere(a, b, c, d):
    expected = np.sqrt(a**2 + d**2 + (b + c) ** 2 / 2)
    np.testing.assert_allclose(fields.optical_strain(affine(a, b, c, d)), expected, atol=1e-4)


@given(SMALL, SMALL, SMALL)
def test_shifts_and_small_turns_do_not_strain(turn, dx, dy):
    assert np.abs(fields.optical_strain(affine(0, -turn, turn, 0, (dx, dy)))).max() < 1e-4


def test_strain_of_a_curved_field():
    flow = np.stack([0.05 * X**2, np.zeros_like(X)], axis=2)
    np.testing.assert_allclose(fields.optical_strain(flow)[:, 1:-1], 0.1 * X[:, 1:-1], rtol=1e-5)


def test_leading_axes_are_kept():
    flows = np.stack([affine(1, 0, 0, 0), affine(0, 0, 0, 2)])
    assert fields.optical_strain(flows).shape == (2, 9, 11)
    np.testing.assert_allclose(fields.optical_strain(flows)[1], fields.optical_strain(flows[1]))
    np.testing.assert_allclose(fields.magnitude(affine(0, 0, 0, 0, (3, 4))), 5)


@given(st.floats(0.5, 50), st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=8))
def test_eight_bits_are_half_a_step_off_at_most(bound, shares):
    flow = (np.array(shares) * bound).astype(np.float32)
    stored = fields.quantise(flow, bound)
    back = fields.dequantise(stored, bound)
    assert stored.dtype == np.uint8
    np.testing.assert_allclose(back, flow, atol=bound / 255 * 1.001)
    np.testing.assert_array_equal(fields.quantise(back, bound), stored)


def test_eight_bits_by_hand():
    given_px = np.array([-99, -10, -5, 0, 5, 10, 99], dtype=np.float32)
    assert fields.quantise(given_px).tolist() == [0, 0, 64, 128, 191, 255, 255]
    zero = fields.dequantise(np.array([127, 128], np.uint8))
    np.testing.assert_allclose(zero / 20, [-0.00196, 0.00196], atol=1e-5)
    stored = np.arange(256, dtype=np.uint8)
    np.testing.assert_allclose(fields.dequantise(stored) / 20, stored / 255 - 0.5, atol=1e-6)


def channels():
    return np.random.default_rng(0).normal(3, 2, (2, 9, 11, 3)).astype(np.float32)


def test_min_max_is_by_field_and_channel():
    scaled = fields.min_max(channels())
    np.testing.assert_allclose(scaled.min((1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.max((1, 2)), 1, atol=1e-6)


def test_standardised_channels_have_mean_zero_and_deviation_one():
    scaled = fields.standardise(channels())
    np.testing.assert_allclose(scaled.mean((1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std((1, 2)), 1, atol=1e-5)


@pytest.mark.parametrize("scale", [fields.min_max, fields.standardise])
def test_flat_channels_become_zero(scale):
    assert not scale(np.full((9, 11, 3), 7, np.float32)).any()
    assert scale(channels()).dtype == np.float32
