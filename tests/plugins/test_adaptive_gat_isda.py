"""ISDA's statistics and loss: official values, NumPy, sampled augmentation, class weights."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mezoo_adaptive_gat.losses import ISDA, class_weights, isda_loss
from torch import Tensor, nn
from torch.nn import functional

GOLDEN = Path(__file__).parents[1] / "data" / "isda_loss.npz"


def classifier(weight: Tensor, bias: Tensor) -> nn.Linear:
    made = nn.Linear(weight.shape[1], weight.shape[0])
    made.load_state_dict({"weight": weight, "bias": bias})
    return made


def _named(step: int, name: str) -> Callable[[str], str]:
    return lambda message: f"step {step}, {name}: {message}"


def test_three_steps_are_those_of_the_official_code_with_a_class_absent_from_the_second() -> None:
    golden = {name: torch.from_numpy(value) for name, value in np.load(GOLDEN).items()}
    linear, isda = classifier(golden["fc_w"], golden["fc_b"]), ISDA(3, 8)
    assert 2 not in golden["s1_y"]
    for step in range(3):
        g = {name[3:]: value for name, value in golden.items() if name.startswith(f"s{step}_")}
        features = g["x"].clone().requires_grad_()
        linear.zero_grad()
        loss, logits = isda_loss(isda, features, g["y"], linear, float(g["ratio"]), torch.ones(3))
        loss.backward()
        found = {
            "loss": loss.detach().double(),
            "logits": logits.detach(),
            "grad_x": features.grad,
            "grad_w": linear.weight.grad,
            "cov": isda.covariance,
            "ave": isda.mean,
            "amount": isda.count,
        }
        for name, value in found.items():
            torch.testing.assert_close(value, g[name], atol=1e-6, rtol=1e-5, msg=_named(step, name))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 7), min_size=1, max_size=5))
def test_statistics_are_those_of_all_features_ever_seen(seed: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    isda, seen, labels = ISDA(4, 3).double(), [], []
    for size in sizes:
        seen.append(rng.normal(size=(size, 3)) * 3 + 5)
        labels.append(rng.integers(0, 3, size))  # class 3 never comes
        isda.update(torch.from_numpy(seen[-1]), torch.from_numpy(labels[-1]))
    features, owners = np.concatenate(seen), np.concatenate(labels)
    for label in range(4):
        own = features[owners == label]
        assert int(isda.count[label]) == len(own)
        mean = own.mean(0) if len(own) else np.zeros(3)
        covariance = np.cov(own.T, bias=True) if len(own) else np.zeros((3, 3))
        np.testing.assert_allclose(isda.mean[label].numpy(), mean, atol=1e-9)
        np.testing.assert_allclose(isda.covariance[label].numpy(), covariance, atol=1e-9)


def test_the_loss_bounds_the_mean_over_sampled_features() -> None:
    torch.manual_seed(0)
    isda, weight = ISDA(3, 4).double(), torch.randn(3, 4, dtype=torch.float64)
    labels = torch.arange(60) % 3
    features = torch.randn(60, 4, dtype=torch.float64) * torch.tensor([1.0, 0.5, 0.2, 0.8]) + labels[:, None]
    isda.update(features, labels)
    one, label, strength = features[:1], labels[:1], 0.4
    spread = torch.linalg.cholesky(strength * isda.covariance[label.item()])
    drawn = (one + torch.randn(200_000, 4, dtype=torch.float64) @ spread.T) @ weight.T
    raised = isda(one @ weight.T, label, weight, strength)[0]
    apart = (drawn - drawn[:, label]).exp().mean(0)
    torch.testing.assert_close(apart, (raised - raised[label]).exp(), rtol=0.03, atol=0)
    sampled = functional.cross_entropy(drawn, label.expand(len(drawn)))
    assert sampled < functional.cross_entropy(raised[None], label)


def test_without_strength_it_is_cross_entropy_weighted_by_class() -> None:
    torch.manual_seed(0)
    linear, features, labels = nn.Linear(5, 3), torch.randn(9, 5), torch.arange(9) % 3
    weights = torch.tensor([0.5, 1.0, 2.5])
    loss, _ = isda_loss(ISDA(3, 5), features, labels, linear, 0.0, weights)
    expected = functional.cross_entropy(linear(features), labels, weights, reduction="sum") / 9
    torch.testing.assert_close(loss, expected)


def test_the_own_logit_stays_and_no_other_falls() -> None:
    torch.manual_seed(0)
    isda, labels = ISDA(3, 5), torch.arange(12) % 3
    isda.update(torch.randn(12, 5), labels)
    logits = torch.randn(12, 3)
    raised = isda(logits, labels, torch.randn(3, 5), 0.5) - logits
    assert (raised.gather(1, labels[:, None]) == 0).all()
    assert (raised >= 0).all()
    assert (raised > 1e-3).sum() == 24


def test_shrinkage_keeps_variances_and_is_not_kept() -> None:
    torch.manual_seed(0)
    features, labels, weight = torch.randn(8, 4), torch.zeros(8, dtype=torch.int64), torch.randn(2, 4)
    plain, half, whole = (ISDA(2, 4, shrinkage) for shrinkage in (0.0, 0.5, 1.0))
    for isda in (plain, half, whole):
        isda.update(features, labels)
        torch.testing.assert_close(isda.covariance, plain.covariance)
    raised = [isda(torch.zeros(1, 2), labels[:1], weight, 2.0)[0, 1] for isda in (plain, half, whole)]
    variances = features.var(0, correction=0)
    torch.testing.assert_close(raised[2], ((weight[1] - weight[0]).square() * variances).sum())
    torch.testing.assert_close(raised[1], (raised[0] + raised[2]) / 2)


def test_features_learn_nothing_through_the_statistics() -> None:
    linear, isda = nn.Linear(4, 3), ISDA(3, 4)
    features = torch.randn(6, 4, requires_grad=True)
    isda_loss(isda, features, torch.arange(6) % 3, linear, 0.5, torch.ones(3))[0].backward()
    assert not isda.covariance.requires_grad
    assert {name for name, _ in isda.named_buffers()} == {"mean", "covariance", "count"}
    assert not list(isda.parameters())


def test_autocast_does_not_reach_the_loss() -> None:
    torch.manual_seed(0)
    linear, features, labels = nn.Linear(64, 3), torch.randn(8, 64), torch.arange(8) % 3
    plain, _ = isda_loss(ISDA(3, 64), features.bfloat16(), labels, linear, 0.5, torch.ones(3))
    isda = ISDA(3, 64)
    with torch.autocast("cpu", torch.bfloat16):
        cast, logits = isda_loss(isda, features.bfloat16(), labels, linear, 0.5, torch.ones(3))
    assert torch.equal(plain, cast)
    assert {t.dtype for t in (cast, logits, isda.mean, isda.covariance)} == {torch.float32}


@pytest.mark.parametrize("how", ["inverse", "effective", "none"])
@given(counts=st.lists(st.integers(0, 90), min_size=2, max_size=7).filter(any))
def test_class_weights_are_1_on_average_and_0_for_what_is_absent(how: str, counts: list[int]) -> None:
    weights = np.array(class_weights(counts, how))
    assert weights @ counts == pytest.approx(sum(counts))
    assert (weights[np.array(counts) == 0] == 0).all()
    present = sorted((n, w) for n, w in zip(counts, weights, strict=True) if n)
    assert all(a[1] >= b[1] - 1e-12 for a, b in pairwise(present))


def test_class_weights_by_hand() -> None:
    assert class_weights([88, 32, 25], "inverse") == pytest.approx([145 / 264, 145 / 96, 145 / 75])
    assert class_weights([88, 32, 25], "none") == [1, 1, 1]
    effective = np.array([0.1 / (1 - 0.9**n) for n in (2, 1)])
    assert class_weights([2, 1], "effective", 0.9) == pytest.approx(effective * 3 / (effective @ [2, 1]))
    assert class_weights([9, 3], "effective", 1 - 1e-6) == pytest.approx(class_weights([9, 3], "inverse"), rel=1e-4)
