"""One row of an audit."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A check: what was found as a number or in words, what an honest pipeline shows, and whether it passes.

    `passed` is None where a check could not be made; `detail` then says why, else what to look at.
    """

    check: str
    passed: bool | None
    found: str
    expected: str
    detail: str = ""

    @property
    def verdict(self) -> str:
        """As the table has it."""
        return {True: "pass", False: "FAIL", None: "not made"}[self.passed]
