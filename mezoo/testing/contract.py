"""The contract checks as one test function, for a test file of a plugin's package. Imports pytest."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mezoo.registry import Plugin, PluginKind
from mezoo.testing.by_name import Case, case_of, checks_of, named
from mezoo.testing.outcome import Check, NotMade


def contract(name: str, kind: PluginKind | None = None, *, recipe: str = "") -> Callable[..., None]:
    """A test of every check of the installed plugins called `name`: `test_contract = testing.contract("tiny_net")`.

    Each check is a test item; one that cannot be made here is skipped. Models and features are looked at as `recipe`
    uses them, by default one that their package brings. Raises PluginError where no plugin has that name.
    """
    pairs = [(plugin, check) for plugin in named(name, kind) for check in checks_of(plugin.kind)]

    @cache
    def case(plugin: Plugin, folder: Path) -> Case:
        return case_of(plugin, recipe, folder)

    @pytest.mark.parametrize(("plugin", "check"), pairs, ids=[f"{p.kind}-{c.__name__}" for p, c in pairs])
    def test(plugin: Plugin, check: Check, tmp_path_factory: Any) -> None:
        """Kept, or not to be checked here."""
        try:
            check(case(plugin, tmp_path_factory.getbasetemp() / f"mezoo-{plugin.kind}-{plugin.name}"))
        except NotMade as reason:
            pytest.skip(str(reason))

    return test
