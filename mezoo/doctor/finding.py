"""One thing that was looked at."""

from dataclasses import dataclass
from typing import Literal

State = Literal["fine", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was found about `topic`; `wrong` ends in exit code 1, and `hint` says what to do."""

    topic: str
    what: str
    state: State = "fine"
    hint: str = ""
