"""Networks as ONNX: what is written answers as PyTorch does, and what does not is refused with nothing left behind."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from mezoo_toy.recogniser import ToySide

import mezoo as api
from mezoo.predictor import onnx as networks
from mezoo.predictor.export import export


class Portable(torch.nn.Module):
    """The toy's network; `planted` is added to what ONNX gets to see."""

    def __init__(self, model: ToySide, planted: float = 0.0, fixed: bool = False) -> None:
        super().__init__()
        self.hidden, self.output = model.hidden, model.output
        self.planted, self.fixed = planted, fixed

    def forward(self, x):
        """Brightness in, chances out.

        - `x` (batch, 2) float32: the mean of a clip.
        - `probability` (batch, classes) float32.
        """
        if self.planted and torch.compiler.is_exporting():
            x = x + self.planted
        if self.fixed:
            x = x.reshape(len(x), 2)
        return {"probability": self.output(torch.relu(self.hidden(x))).softmax(-1)}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of the toy recogniser."""
    from mezoo.cli import main

    place = tmp_path_factory.mktemp("toys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEZOO_CACHE", str(place / "cache"))
        assert main(["fit", "toy_sides", "--synthetic", "--runs", str(place)]) == 0
    return next(place.glob("toy_sides-*"))


@pytest.fixture
def offer(monkeypatch):
    """Let the toy offer a network."""

    def give(**arguments) -> None:
        x = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
        monkeypatch.setattr(ToySide, "portable", lambda self: (Portable(self, **arguments), {"x": x}))

    return give


def test_every_member_is_written_and_answers_as_mezoo_does(run, offer, mezoo, tmp_path):
    offer()
    code, told, _ = mezoo("export", run, "--out", tmp_path / "out", "--onnx")
    assert code == 0
    assert "files" in told
    members = sorted((tmp_path / "out/weights").glob("*.safetensors"))
    files = sorted((tmp_path / "out/onnx").glob("*.onnx"))
    assert [p.stem for p in files] == [p.stem for p in members]
    for (name, model), path in zip(api.load_model(run).recognizer.models(), files, strict=True):
        assert path.stem == name
        x = np.random.default_rng(1).normal(size=(5, 2)).astype(np.float32)
        (found,) = onnxruntime.InferenceSession(path).run(["probability"], {"x": x})
        with torch.no_grad():
            np.testing.assert_allclose(found, model(torch.from_numpy(x)).softmax(-1), atol=1e-6)
    assert api.load_model(tmp_path / "out").recognizer is not None


def test_a_file_says_what_it_is_and_not_where_it_was_made(run, offer, tmp_path):
    offer()
    export(run, tmp_path / "out", "00", onnx=True)
    path = tmp_path / "out/onnx/00.onnx"
    facts = {p.key: p.value for p in onnx.load(path).metadata_props}
    assert facts["synthetic"] == "true"
    assert facts["classes"] == '["left", "right"]'
    for word in (b".py", str(run.parent).encode(), b"/site-packages"):
        assert word not in path.read_bytes()
    text = (tmp_path / "out/onnx/README.md").read_text()
    for words in (
        "SYNTHETIC",
        "| in | `x` | float | (batch, 2) |",
        "the mean of a clip",
        "order: left, right",
        "opset 18",
    ):
        assert words in text
    assert "onnx/README.md" in (tmp_path / "out/README.md").read_text()


def refused(mezoo, run, out) -> str:
    code, _, told = mezoo("export", run, "--out", out, "--onnx")
    assert code == 2
    assert not [*out.parent.glob(f"{out.name}*")], "nothing is left"
    return told


def test_a_model_without_a_network_is_refused(run, mezoo, tmp_path):
    told = refused(mezoo, run, tmp_path / "out")
    assert "ToySide cannot be written as ONNX" in told
    assert "without --onnx" in told


@pytest.mark.parametrize("planted", [1e-2, float("nan")])
def test_a_difference_is_caught(run, offer, mezoo, tmp_path, planted):
    offer(planted=planted)
    assert "differs from PyTorch: probability by" in refused(mezoo, run, tmp_path / "out")


def test_a_batch_of_fixed_size_is_refused(run, offer, mezoo, tmp_path):
    offer(fixed=True)
    assert "batches of one size only" in refused(mezoo, run, tmp_path / "out")


def test_what_the_exporter_cannot_do_is_told_in_a_sentence(run, monkeypatch, mezoo, tmp_path):
    class Stubborn(Portable):
        def forward(self, x):
            return super().forward(x) if x.sum() < 1e9 else {}

    x = torch.randn(4, 2)
    monkeypatch.setattr(ToySide, "portable", lambda self: (Stubborn(self), {"x": x}))
    assert "ToySide cannot be written as ONNX (" in refused(mezoo, run, tmp_path / "out")


def test_samples_of_another_number_are_refused(run, monkeypatch, mezoo, tmp_path):
    monkeypatch.setattr(ToySide, "portable", lambda self: (Portable(self), {"x": torch.zeros(2, 2)}))
    assert "must give 4 samples" in refused(mezoo, run, tmp_path / "out")


def test_a_missing_package_is_named_before_anything_is_written(run, monkeypatch, mezoo, tmp_path):
    monkeypatch.setattr(networks, "find_spec", lambda name: None if name == "onnxruntime" else name)
    told = refused(mezoo, run, tmp_path / "out")
    assert "not installed: onnxruntime" in told
    assert 'pip install "mezoo[onnx]"' in told


def test_without_the_option_none_of_it_is_needed(run, monkeypatch, mezoo, tmp_path):
    monkeypatch.setattr(networks, "find_spec", lambda _: None)
    assert mezoo("export", run, "--out", tmp_path / "out")[0] == 0
    assert not (tmp_path / "out/onnx").exists()
