"""`pytest --mezoo NAME`: the contract checks of an installed plugin as test items, one each."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Two options; nothing of mezoo is imported unless they are used."""
    group = parser.getgroup("mezoo", "contract checks of mezoo plugins")
    text = (
        "check the installed dataset, feature or model NAME; repeatable. Without paths, these checks are all that runs"
    )
    group.addoption("--mezoo", action="append", default=[], metavar="NAME", help=text)
    group.addoption("--mezoo-quick", action="store_true", help="leave out the check that trains as its recipe says")
    group.addoption("--mezoo-recipe", default="", metavar="RECIPE", help="look at NAME as this recipe uses it")


def pytest_configure(config: pytest.Config) -> None:
    """Without a path on the command line, no test file is collected."""
    if config.getoption("--mezoo") and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = []


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the checks in front of what was collected."""
    asked: Any = config.getoption("--mezoo")
    items[:0] = [item for name in asked for item in _items(session, name, config)]


def _items(session: pytest.Session, name: str, config: pytest.Config) -> Iterator[pytest.Item]:
    from mezoo.errors import MezooError
    from mezoo.testing import checks_of, named

    try:
        found = named(name)
    except MezooError as error:
        raise pytest.UsageError(str(error)) from error
    for plugin in found:
        recipe: Any = config.getoption("--mezoo-recipe")
        quick: Any = config.getoption("--mezoo-quick")
        shared = _Shared(plugin, recipe)
        config.add_cleanup(shared.folder.cleanup)
        for check in checks_of(plugin.kind, quick=quick):
            title = f"{plugin.kind} {plugin.name}: {check.__name__}"
            yield CheckItem.from_parent(session, name=title, check=check, shared=shared)


class _Shared:
    """The case of a plugin, made when the first check asks for it."""

    def __init__(self, plugin: Any, recipe: str) -> None:
        self.plugin, self.recipe = plugin, recipe
        self.folder = TemporaryDirectory(prefix="mezoo-check-")
        self.case: Any = None

    def get(self) -> Any:
        from mezoo.testing import case_of

        if self.case is None:
            self.case = case_of(self.plugin, self.recipe, Path(self.folder.name))
        return self.case


class CheckItem(pytest.Item):
    """One check of one plugin."""

    def __init__(self, *, check: Any, shared: _Shared, **more: Any) -> None:
        super().__init__(**more)
        self.check, self.shared = check, shared

    def runtest(self) -> None:
        """Run it; what cannot be checked here is skipped."""
        from mezoo.testing import NotMade

        try:
            self.add_report_section("call", "mezoo", self.check(self.shared.get()))
        except NotMade as reason:
            pytest.skip(str(reason))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """A broken promise in its own words; a crash with its traceback."""
        from mezoo.errors import MezooError
        from mezoo.testing import ContractError

        if isinstance(excinfo.value, ContractError | MezooError):
            return f"{self.name}\n  {excinfo.value}\n  promised: {(self.check.__doc__ or '').strip()}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Where a failed check is listed: by its name."""
        return self.path, None, self.name
