"""What mezoo asks of every feature, on the stand-in of the recipe. `pytest --mezoo newcomer` runs the same."""

import pytest

from mezoo import testing

(PLUGIN,) = testing.named("newcomer", "feature")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> testing.Case:
    """What the checks look at, made once."""
    return testing.case_of(PLUGIN, folder=tmp_path_factory.mktemp("newcomer"))


@pytest.mark.parametrize("check", testing.checks_of("feature"), ids=lambda check: check.__name__)
def test_contract(check: testing.Check, case: testing.Case) -> None:
    """Kept, or not to be checked here."""
    try:
        check(case)
    except testing.NotMade as reason:
        pytest.skip(str(reason))
