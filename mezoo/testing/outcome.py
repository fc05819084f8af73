"""What a check can end in: it holds and says what it saw, it is broken, or it could not be made."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal


class ContractError(AssertionError):
    """A promise is broken: what was found, and what the contract says."""


class NotMade(Exception):
    """A check that cannot be made here; the message is the reason."""


Check = Callable[[Any], str]
"""Takes a case, returns what it saw in a few words, raises ContractError or NotMade."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of a table: `detail` is what was seen, what is broken, or why it was not looked at."""

    check: str
    verdict: Literal["pass", "FAIL", "not made"]
    detail: str


def hold(condition: object, what: str) -> None:
    """Raise ContractError with `what` unless the condition holds."""
    if not condition:
        raise ContractError(what)


def title(check: Check) -> str:
    """A check's name as a person reads it."""
    return check.__name__.replace("_", " ")


def outcomes(checks: Sequence[Check], case: Any) -> Iterator[Outcome]:
    """Every check of a case, one after the other; an exception of any kind is a failure of that check alone."""
    for check in checks:
        try:
            yield Outcome(title(check), "pass", check(case))
        except NotMade as reason:
            yield Outcome(title(check), "not made", str(reason))
        except ContractError as error:
            yield Outcome(title(check), "FAIL", str(error))
        except Exception as error:  # a plugin may fail in any way
            place = traceback.extract_tb(error.__traceback__)[-1]
            said = str(error).replace("\n", " -> ")
            detail = f"{type(error).__name__}: {said} ({place.filename}:{place.lineno})"
            yield Outcome(title(check), "FAIL", detail)
