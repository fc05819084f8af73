"""Errors that a user can act on. Every message says what was given, what is known, and what to do next."""


class MezooError(Exception):
    """A mistake that the user can mend; the command line prints it without a traceback and exits with 2."""

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}\n{self.hint}" if self.hint else self.what


class DataError(MezooError):
    """A dataset, its table or one of its files is missing, empty or cannot be read."""


class RecipeError(MezooError):
    """A recipe or one of its overrides does not hold."""


class PluginError(MezooError):
    """A plugin is unknown, ambiguous, or fails when it is loaded."""


class StoreError(MezooError):
    """A stored feature is damaged, or the store cannot be written."""


class RunError(MezooError):
    """A run folder is in use, was made with other data, or cannot be written."""
