"""No fault is lost: every harmed file is read, repaired or refused in words; and the table of counts is this one."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="faults are injected in forked processes")
def test_no_fault_is_lost_and_the_table_is_of_these_counts(monkeypatch):
    from faults.matrix import README, counted, told

    monkeypatch.setenv("WANDB_MODE", "disabled")
    times = 20 if os.environ.get("MEZOO_FAULTS") == "many" else 1
    counts, lost = counted(times)
    assert lost == []
    if times == 1:
        here = {name: (sum(found.values()), found["lost"]) for name, found in counts.items()}
        assert here == told(README.read_text(encoding="utf-8")), "python tests/faults/matrix.py writes the table anew"


def test_the_table_of_what_is_done_to_runs_is_of_these_tests():
    """None is lost: a lost one fails its own test."""
    from faults.matrix import README, tally_told
    from faults.tally import injected

    here = {row: (count, 0) for row, count in injected().items()}
    assert here == tally_told(README.read_text(encoding="utf-8")), "python tests/faults/matrix.py runs writes it anew"
