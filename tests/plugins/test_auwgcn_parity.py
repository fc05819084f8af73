"""AUW-GCN against the official code: network, losses, gradients, one step, targets, proposals, metrics, graph."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mezoo_auwgcn import au_graph, official_score, proposals, samples
from mezoo_auwgcn.losses import Losses, losses
from mezoo_auwgcn.model import AUWGCN
from mezoo_auwgcn.network import Network, from_official
from mezoo_auwgcn.presets import PRESETS
from mezoo_auwgcn.targets import Span, labels_of, mended, targets

DATA = Path(__file__).parents[1] / "data"


def golden(name: str) -> dict[str, np.ndarray]:
    with np.load(DATA / f"auwgcn_{name}.npz", allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays.files}


NET = golden("net")
POST = golden("post")
FIRST = from_official({key[4:]: value for key, value in NET.items() if key.startswith("sd0/")})


@pytest.fixture
def network() -> Network:
    made = Network(torch.eye(12))
    made.load_state_dict(FIRST)
    return made


def ours_of(name: str) -> str:
    return next(iter(from_official({name: np.zeros((2, 16))})))


def official_losses(logits: torch.Tensor) -> Losses:
    both = {k: np.stack([NET[f"lab_micro_{k}"], NET[f"lab_macro_{k}"]], axis=1) for k in ("se", "apex", "action")}
    return losses(logits, torch.tensor(both["se"]).long(), torch.tensor(both["apex"]), torch.tensor(both["action"]))


def test_the_network_has_39248_parameters_and_the_official_outputs(network):
    assert sum(p.numel() for p in network.parameters()) == 39_248
    x = torch.tensor(NET["x"])
    torch.testing.assert_close(network.train()(x), torch.tensor(NET["y_train"]), rtol=1e-4, atol=1e-5)
    network.load_state_dict(FIRST)
    torch.testing.assert_close(network.eval()(x), torch.tensor(NET["y_eval"]), rtol=1e-4, atol=1e-6)


def test_losses_and_gradients_are_the_official_ones(network):
    found = official_losses(network.train()(torch.tensor(NET["x"]))[..., 7:-7])
    for name, loss in found._asdict().items():
        assert loss.item() == pytest.approx(float(NET[f"loss_{name.replace('phase', 'se')}"]), abs=1e-6)
    total = found.total(float(NET["macro_ration"]))
    assert total.item() == pytest.approx(float(NET["total_loss"]), abs=1e-6)
    total.backward()
    for name, expected in (("graph_embedding.0.gc1.weight", "graph.lin.weight"), ("_classification.weight", "")):
        ours = dict(network.named_parameters())[expected or "head.weight"].grad
        turned = ours.T if expected else ours
        np.testing.assert_allclose(turned.ravel()[::5], NET[f"grad/{name}"], rtol=1e-4, atol=1e-6)
    for layer in (0, 3, 6):
        np.testing.assert_allclose(
            network.layers[layer].weight.grad.ravel()[::5],
            NET[f"grad/_sequential.{layer}.weight"],
            rtol=1e-3,
            atol=1e-7,
        )


def test_one_step_of_the_optimiser_is_the_official_one():
    model = AUWGCN(preset="cas_me_sq", official=True)
    model.build({"adjacency": FIRST["adjacency"].tolist(), "mean": [0, 0], "std": [1, 1]})
    model.network.load_state_dict(FIRST)
    (optimizer,), (schedule,) = model.configure_optimizers()
    logits = model.train()(torch.tensor(NET["x"]))
    official_losses(logits).total(model.preset.macro_weight).backward()
    optimizer.step()
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.0096)
    seen = 0
    for name, tensor in model.network.state_dict().items():
        theirs = next((k for k in NET if k.startswith("sd1/") and ours_of(k[4:]) == name), None)
        if theirs is None:
            continue
        ours = (tensor.T if name == "graph.lin.weight" else tensor).ravel()[::5].numpy()
        moved = np.abs(NET[theirs.replace("sd1/", "grad/")]) > 1e-4
        np.testing.assert_allclose(ours[moved], NET[theirs][moved], rtol=1e-3, atol=1e-5)
        seen += int(moved.sum())
    assert seen > 1000
    assert sum(p.numel() for p in optimizer.param_groups[0]["params"]) == 32 + 12_288 * 3 + 1920


def test_a_row_sees_five_rows_each_way_and_the_nose_counts_nothing(network):
    x = torch.randn(1, 61, 12, 2, requires_grad=True)
    network.eval()(x)[0, :, 30].sum().backward()
    assert x.grad is not None
    seen = x.grad[0].abs().sum(dim=(1, 2)).nonzero().flatten()
    assert (int(seen[0]), int(seen[-1])) == (25, 35)
    assert not x.grad[:, :, 6:8].any()
    assert x.grad[:, :, [0, 5, 8, 11]].abs().sum() > 0


def test_the_librarys_layer_is_a_plain_product_with_any_row_normalised_graph():
    torch.manual_seed(0)
    graph = torch.rand(12, 12) ** 4
    graph = graph / graph.sum(1, keepdim=True) * torch.linspace(0, 1, 12)[:, None]
    layer = Network(graph).graph
    x = torch.randn(5, 12, 2)
    plain = graph @ (x @ layer.lin.weight.T) + layer.bias
    torch.testing.assert_close(layer(x, graph, add_loop=False), plain)


def test_targets_are_the_official_ones_and_without_their_slips_reach_over_the_edge():
    data = golden("labels")
    found = targets(data["in_label"], edge_bugs=True)
    mended_ones = targets(data["in_label"])
    for i, kind in enumerate(("micro", "macro")):
        np.testing.assert_array_equal(found.phase[i], data[f"out_{kind}_se"])
        np.testing.assert_array_equal(found.action[i], data[f"out_{kind}_action"])
        np.testing.assert_allclose(found.apex[i], data[f"out_{kind}_apex"], rtol=1e-6)
    # A micro end at row 259; apexes at 255 and 256 lose what lies right of row 255.
    assert np.argwhere(mended_ones.phase != found.phase).tolist() == [[0, 260 - 7]]
    assert np.argwhere(mended_ones.apex != found.apex).tolist() == [
        [0, 256 - 7],
        *([1, t - 7] for t in (257, 258, 259)),
    ]
    mean, std = np.array(samples.OFFICIAL_SCALE)
    np.testing.assert_allclose(
        samples.normalise(data["in_feature"], mean, std), data["out_feature"], rtol=1e-5, atol=1e-6
    )


def test_annotations_are_mended_as_officially():
    assert mended("macro", 10, 15, None, 100) == Span("macro", 10, 15, 20)
    assert mended("macro", 10, None, 21, 100) == Span("macro", 10, 15, 21)
    assert mended("macro", 90, 95, 120, 100) == Span("macro", 90, 95, 99)
    assert mended("macro", 90, 100, 120, 100) is None
    assert mended("micro", 90, None, None, 100) is None
    labels = labels_of([Span("macro", 3, 5, 6)], 9)
    assert labels[:, 4:].T.tolist() == [
        [0, 0, 0, 1, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 1, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 1, 0, 0],
        [0, 0, 0, 1, 1, 1, 1, 0, 0],
    ]
    assert not labels[:, :4].any()


def test_raw_proposals_and_their_order_are_the_official_ones():
    curves = proposals.probabilities(torch.tensor(POST["logits"])).numpy()
    raw = proposals.raw_proposals(curves, POST["offset"], PRESETS["cas_me_sq"])
    np.testing.assert_array_equal(raw.spans + 1, POST["raw_se"])
    np.testing.assert_array_equal(POST["video"][raw.window], POST["raw_video"])
    np.testing.assert_array_equal(2 - raw.kind, POST["raw_type"])
    np.testing.assert_allclose(raw.parts, POST["raw_scores"], rtol=1e-5)


def test_suppression_matching_and_metrics_are_the_official_ones():
    curves = proposals.probabilities(torch.tensor(POST["logits"])).numpy()
    preset = PRESETS["cas_me_sq"]
    raw = proposals.raw_proposals(curves, POST["offset"], preset)
    videos, scores = POST["video"][raw.window], raw.parts.prod(axis=1)
    rows, counts, spotted = 0, {kind: official_score.Counts(0, 0, 0) for kind in ("micro", "macro")}, []
    for video in ("vidA", "vidB"):
        here = videos == video
        order = np.flatnonzero(here)[np.argsort(-scores[here], kind="stable")]
        part = slice(rows, rows := rows + len(order))
        np.testing.assert_array_equal(raw.spans[order] + 1, POST["sorted_se"][part])
        np.testing.assert_allclose(scores[order], POST["sorted_score"][part], rtol=1e-5)
        for kind, name in ((1, "macro"), (0, "micro")):
            mine = order[raw.kind[order] == kind]
            kept = mine[proposals.suppress(raw.spans[mine], scores[mine], preset.searches[kind].keep)]
            truth = POST["gt"][(POST["gt_video"] == video) & (POST["gt"][:, 3] == 2 - kind)]
            flags, iou = official_score.found(raw.spans[kept] + 1, truth[:, [0, 2]])
            spotted += [
                (video, *span, 2 - kind, round(float(s), 5), bool(f), round(float(v), 6))
                for span, s, f, v in zip((raw.spans[kept] + 1).tolist(), scores[kept], flags, iou, strict=True)
            ]
            tp, n, m = counts[name]
            counts[name] = official_score.Counts(tp + int(flags.sum()), n + len(kept), m + len(truth))
    expected = [
        (str(v), *se, int(t), round(float(s), 5), bool(f), round(float(i), 6))
        for v, se, t, s, f, i in zip(
            POST["nms_video"], POST["nms_se"].tolist(), POST["nms_type"], POST["nms_score"], POST["find"],
            POST["find_iou"], strict=True,
        )
    ]  # fmt: skip
    assert spotted == expected
    columns = POST["metrics_cols"].tolist()
    assert columns[-1] == "epoch"
    measured = official_score.metrics(counts)
    assert [*measured] == columns[:-1]
    np.testing.assert_allclose([*measured.values()], POST["metrics"][0, :-1], rtol=1e-12)
    assert official_score.pooled([counts, counts])["all_m"] == 38


def test_the_graph_is_the_official_one_from_the_same_annotation():
    # Cells that give the published counts of CAS(ME)^2: pairs by name, then AUs on their own.
    cells = ["1+2"] * 23 + ["1+12"] + ["2+14"] * 2 + ["2+4"] * 6 + ["12+25"] * 2 + ["6+26"] * 6 + ["12+14"] * 17
    cells += ["12"] * 100 + ["7+14"] * 43 + ["4+7", "", "AU12"]
    data = golden("adjacency")
    counts = au_graph.co_occurrence(cells, "official", "exact")
    np.testing.assert_array_equal(counts, data["raw_counts"])
    np.testing.assert_allclose(au_graph.row_normalised(counts), data["normalised"], rtol=1e-6)
    facs = au_graph.co_occurrence(cells, "facs", "exact")
    swap = [2, 2, 0, 0, 3, 3]  # what regions 0 to 5 do in one map is done by these in the other
    assert facs[0, 8] == counts[2, 8] == 2
    assert facs[2, 8] == counts[0, 8] == 1
    assert [int(facs[i, 10]) for i in range(6)] == [int(counts[s, 10]) for s in swap]
