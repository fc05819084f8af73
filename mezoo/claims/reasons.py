"""Why a claim is refused."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """`check` names what was looked at (archive, member, form, table, fold, protocol, recipe, scores, headline)."""

    check: str
    what: str


class Refused(Exception):
    """A fault behind which nothing more can be read of the same file; the reason goes into the verdict."""

    def __init__(self, check: str, what: str) -> None:
        super().__init__(what)
        self.reason = Reason(check, what)
