import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mezoo import DataError, ImageFolder
from mezoo.frames import list_names

PATTERN = r"(?:reg_)?img(?P<n>\d+)\.jpg"


def numbers(names, pattern=PATTERN):
    return list_names(names, pattern).numbers


@given(
    st.sets(st.integers(0, 3000), min_size=1, max_size=60),
    st.integers(1, 5),
    st.randoms(use_true_random=False),
)
def test_any_numbering_in_any_order(chosen, width, random):
    names = [f"img{n:0{width}d}.jpg" for n in chosen]
    random.shuffle(names)
    found = numbers(names)
    assert list(found) == sorted(chosen)
    assert [*found.names()] == [f"img{n:0{width}d}.jpg" for n in sorted(chosen)]
    assert [found[i] for i in range(len(found))] == sorted(chosen)
    assert found.missing == max(chosen) - min(chosen) + 1 - len(chosen)


def test_padding_may_change_where_the_numbers_do():
    names = ["img9.jpg", "img10.jpg", "img098.jpg", "img0099.jpg", "img100.jpg", "IMG101.JPG"]
    assert [*numbers(names).names()] == names
    assert numbers(names).first_missing == 11
    assert numbers(names)[-1] == 101
    assert numbers(names)[1:3] == (10, 98)


def test_strays_and_litter():
    listing = list_names(["img1.jpg", "img260.jpg2.jpg", ".DS_Store", "Thumbs.db", "img2.png"], PATTERN)
    assert list(listing.numbers) == [1]
    assert listing.strays == ("img2.png", "img260.jpg2.jpg")


def test_a_number_twice_is_read_from_the_commoner_padding():
    listing = list_names(["img0001.jpg", "img0002.jpg", "img2.jpg", "img0003.jpg"], PATTERN)
    assert (listing.doubled, [*listing.numbers.names()]) == (1, ["img0001.jpg", "img0002.jpg", "img0003.jpg"])


def test_an_index_does_not_grow_with_its_frames():
    def size(listing):
        return sum(sys.getsizeof(run) for run in listing.numbers.runs)

    small, large = (list_names([f"img{n:03d}.jpg" for n in range(1, last)], PATTERN) for last in (10, 20_000))
    assert len(large.numbers) == 19_999
    assert size(large) == size(small)


def test_an_empty_folder_lists_but_does_not_read(tmp_path):
    folder = ImageFolder(tmp_path, PATTERN)
    assert len(folder.listing.numbers) == 0
    for ask in (lambda: len(folder), lambda: folder.read(0), folder.files):
        with pytest.raises(DataError, match="holds no frame"):
            ask()


def test_out_of_range(tmp_path):
    (tmp_path / "img5.jpg").touch()
    folder = ImageFolder(tmp_path, PATTERN)
    assert folder.files() == (tmp_path / "img5.jpg",)
    with pytest.raises(IndexError):
        folder.number(1)
