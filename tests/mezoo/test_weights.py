"""Weights: what they say of themselves, and which files are refused."""

import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mezoo.errors import RunError
from mezoo.weights import Card, load_weights, misfits, read_card, save_weights


class Line(torch.nn.Module):
    """A model of one layer, built to the fitted size."""

    def build(self, fitted):
        self.layer = torch.nn.Linear(fitted["n"], 1)


def saved(path, n=3, made=None):
    model = Line()
    model.build({"n": n})
    save_weights(model, path, Card({"n": n}, {"trained": [["toy", "1"]], "left_out": []}, made or {"task": "spotting"}))
    return model


def test_what_is_saved_comes_back_with_its_card(tmp_path):
    model = saved(tmp_path / "w.safetensors")
    again = load_weights(Line(), tmp_path / "w.safetensors")
    assert torch.equal(again.layer.weight, model.layer.weight)
    assert not again.training
    card = read_card(tmp_path / "w.safetensors")
    assert card.fitted == {"n": 3}
    assert card.made == {"task": "spotting"}
    assert card.people["trained"] == [["toy", "1"]]


def test_the_same_weights_give_the_same_bytes(tmp_path):
    torch.manual_seed(0)
    saved(tmp_path / "a.safetensors")
    torch.manual_seed(0)
    saved(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


class Bomb:
    def __reduce__(self):
        return (exec, ("open('boom', 'w').write('x')",))


@pytest.mark.parametrize("name", ["last.ckpt", "weights.pt", "model.pth", "weights.safetensors"])
def test_a_pickle_is_never_opened(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(RunError) as caught:
        load_weights(Line(), tmp_path / name)
    assert "safetensors" in caught.value.hint
    assert not (tmp_path / "boom").exists()


def test_weights_of_another_shape_are_named(tmp_path):
    saved(tmp_path / "w.safetensors", n=3)

    class Wider(Line):
        def build(self, fitted):
            self.layer = torch.nn.Linear(fitted["n"] + 1, 1)

    with pytest.raises(RunError, match=r"layer.weight: \(1, 3\) there, \(1, 4\) here"):
        load_weights(Wider(), tmp_path / "w.safetensors")


def test_strange_and_damaged_files_are_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    with pytest.raises(RunError, match="not written by this mezoo"):
        load_weights(Line(), tmp_path / "foreign.safetensors")
    whole = saved(tmp_path / "w.safetensors") and (tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:-5])
    with pytest.raises(RunError, match="cannot be read as weights"):
        load_weights(Line(), tmp_path / "cut.safetensors")


@given(
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 3)),
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 3)),
)
def test_only_equal_states_fit(given_sizes, own_sizes):
    one, two = ({name: torch.zeros(n) for name, n in sizes.items()} for sizes in (given_sizes, own_sizes))
    assert (not misfits(one, two)) == (given_sizes == own_sizes)
