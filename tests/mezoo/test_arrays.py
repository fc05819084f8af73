"""Arrays of strangers: what NumPy wrote comes back; objects, lies and bombs do not."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mezoo import files
from mezoo.arrays import load_arrays

KINDS = st.sampled_from(["<f4", ">f8", "i8", "u1", "?", "<U3", "c8"])
ARRAYS = KINDS.flatmap(lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0, min_side=0, max_side=4)))


@given(st.lists(ARRAYS, min_size=1, max_size=3), st.booleans())
def test_what_numpy_wrote_comes_back(tmp_path_factory, given, by_column):
    path = tmp_path_factory.mktemp("a") / "a.npz"
    told = {f"n{i}": np.asfortranarray(a) if by_column else a for i, a in enumerate(given)}
    np.savez_compressed(path, **told)
    found = load_arrays(path)
    assert {*found} == {*told}
    for name, array in found.items():
        assert array.dtype == told[name].dtype
        np.testing.assert_array_equal(array, told[name])
        assert array.flags.writeable


def test_one_array_has_no_name(tmp_path):
    np.save(tmp_path / "a.npy", np.eye(3))
    np.testing.assert_array_equal(load_arrays(tmp_path / "a.npy")[""], np.eye(3))


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_objects_are_never_opened(tmp_path, name):
    save = np.save if name == "a.npy" else np.savez
    save(tmp_path / name, np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="Python objects"):
        load_arrays(tmp_path / name)


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    out = io.BytesIO()
    np.save(out, np.zeros(1 << 20))
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.npy", out.getvalue())
    monkeypatch.setattr("mezoo.arrays.LARGEST", 1 << 20)
    with pytest.raises(ValueError, match="unpacks to 8 MB"):
        load_arrays(tmp_path / "a.npz")


def test_devices_pipes_and_giants_are_no_files(tmp_path):
    (tmp_path / "zero").symlink_to("/dev/zero")
    with pytest.raises(OSError, match="no file that can be read whole"):
        files.read_plain(tmp_path / "zero")
    (tmp_path / "giant").write_bytes(b"x" * 100)
    with pytest.raises(OSError, match="more than"):
        files.read_plain(tmp_path / "giant", 99)
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"deeply|Expecting"):
        files.read_json(tmp_path / "deep.json")


def test_a_message_does_not_steer_the_terminal(capsys):
    from mezoo.cli import show_error

    show_error("a\x1b[2Jb\u202ec\udcff", "next\nline")
    assert capsys.readouterr().err == "error: a\\x1b[2Jb\\u202ec\\udcff\n  -> next\nline\n"
