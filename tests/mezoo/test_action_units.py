import pytest
from hypothesis import given
from hypothesis import strategies as st

from mezoo.datasets.action_units import LARGEST, parse


def shown(cell):
    return [(u.number, u.side, u.intensity, "+".join(sorted(u.flags))) for u in parse(cell)]


def plain(*numbers):
    return [(n, "", "", "") for n in numbers]


@pytest.mark.parametrize(
    ("cell", "units"),
    [
        ("4", plain(4)),
        (12, plain(12)),
        (12.0, plain(12)),
        ("4+L10", [(4, "", "", ""), (10, "L", "", "")]),
        ("R6A+R12", [(6, "R", "A", ""), (12, "R", "", "")]),
        ("A9E+ref(10)", [(9, "A", "E", ""), (10, "", "", "ref")]),
        ("Ref(L10)", [(10, "L", "", "ref")]),
        ("(R6 or R12) + R15", [(6, "R", "", "or"), (12, "R", "", "or"), (15, "R", "", "")]),
        ("R14A or 17A or 24A", [(14, "R", "A", "or"), (17, "", "A", "or"), (24, "", "A", "or")]),
        ("4A/B", [(4, "", "A/B", "")]),
        ("12(B/C)", [(12, "", "B/C", "")]),
        ("12+15 ", plain(12, 15)),
        ("R14+17+soft focus", [(14, "R", "", ""), (17, "", "", "")]),
        ("6+12,24", plain(6, 12, 24)),
        ("14or23", [(14, "", "", "or"), (23, "", "", "or")]),
        ("14/23", [(14, "", "", "or"), (23, "", "", "or")]),
        ("4+glare", plain(4)),
        ("7D+all of the above", [(7, "", "D", "")]),
        ("(L/A)12(B/A)", [(12, "L/A", "B/A", "")]),
        ("twice - L1B+L2B+25", [(1, "L", "B", ""), (2, "L", "B", ""), (25, "", "", "")]),
        ("r18", [(18, "R", "", "")]),
        ("14,L24,", [(14, "", "", ""), (24, "L", "", "")]),
        ("4，13?", [(4, "", "", ""), (13, "", "", "unsure")]),
        ("AU4(k)+L7", [(4, "", "", "keep"), (7, "L", "", "")]),
        ("AUR2+12(k)+45", [(2, "R", "", ""), (12, "", "", "keep"), (45, "", "", "")]),
        ("T24+B25", [(24, "T", "", ""), (25, "B", "", "")]),
    ],
)
def test_cells_of_real_tables(cell, units):
    assert shown(cell) == units


@pytest.mark.parametrize(
    "cell", [None, "", "?", "NULL", "null", float("nan"), "reaction?", "Chewing", "/", "\\", "120", "0"]
)
def test_cells_without_an_au(cell):
    assert len(parse(cell)) == 0


def test_raw_text_is_kept_and_doubt_can_be_left_out():
    cell = parse("R12+ref(6)+14(k)")
    assert (cell.raw, cell.numbers, cell.certain) == ("R12+ref(6)+14(k)", {6, 12, 14}, {12})


@given(st.text(alphabet="0123456789LRATBUE+,/()orefk? -，", max_size=40) | st.text(max_size=40))
def test_never_raises_and_stays_in_range(cell):
    found = parse(cell)
    assert found.raw == cell
    assert all(1 <= u.number <= LARGEST for u in found)


UNITS = st.tuples(
    st.integers(1, LARGEST), st.sampled_from(["", "L", "R", "A", "T", "B"]), st.sampled_from(["", *"ABCDE", "B/C"])
)


@given(st.lists(UNITS, min_size=1, max_size=5), st.sampled_from(["+", " + ", ",", "，"]))
def test_what_is_written_is_read(units, sign):
    text = sign.join(f"{side}{number}{grade}" for number, side, grade in units)
    assert [(u.number, u.side, u.intensity) for u in parse(text)] == units
