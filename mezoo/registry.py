"""Plugins by entry point. Listing imports none of them; a broken one is reported and harms nobody else."""

import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from threading import Timer
from typing import Any, Literal

from mezoo import API_VERSION, __version__
from mezoo.errors import PluginError
from mezoo.source import ClassSource, UnreadableError, import_defect, module_file, needs_probe, read_class, read_summary
from mezoo.unwritten import unwritten

PluginKind = Literal["dataset", "feature", "model", "recipe"]
GROUPS: dict[PluginKind, str] = {
    "dataset": "mezoo.datasets",
    "feature": "mezoo.features",
    "model": "mezoo.models",
    "recipe": "mezoo.recipes",
}
API_GROUP = "mezoo.api"
"""Entry points whose names say for which `mezoo.API_VERSION` a distribution was written: "1", or a range "1-2"."""
PATIENCE_S = 3.0
"""What is imported for longer is named, so that nobody wonders what mezoo waits for."""
TRIAL_S = 20.0
"""How long `mezoo list` waits for the import of one plugin whose top level runs code."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point of an installed distribution; `target` is `module:Class` (a recipe's: a YAML file)."""

    kind: PluginKind
    name: str
    distribution: str
    version: str
    target: str
    api: str = ""
    """Versions of mezoo's API that its distribution declares, as written; "" where it declares none."""

    @property
    def module(self) -> str:
        """Dotted module of the target."""
        return self.target.partition(":")[0]

    @property
    def attribute(self) -> str:
        """Class of the target."""
        return self.target.partition(":")[2]

    def source(self) -> ClassSource:
        """What the plugin's source says of its class; nothing is imported. Raises UnreadableError."""
        return read_class(self.module, self.attribute)

    def summary(self) -> str:
        """First line of its docstring, read as `source` is. Raises UnreadableError."""
        return read_summary(self.module, self.attribute)

    def misfit(self) -> str:
        """Why it was not written for this mezoo, '' if it was or says nothing; known before anything is imported."""
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", self.api)
        if not self.api or (found and int(found[1]) <= API_VERSION <= int(found[2] or found[1])):
            return ""
        this = f"this is mezoo {__version__} with API {API_VERSION}"
        if not found:
            return f"{self.distribution} declares {API_GROUP} {self.api!r}, which is no number or range such as 1-2"
        newer = int(found[1]) > API_VERSION
        way = "pip install --upgrade mezoo" if newer else f"pip install --upgrade {self.distribution}"
        return f"needs mezoo API {self.api}, {this}: {way}"


@lru_cache(maxsize=1)
def plugins() -> tuple[Plugin, ...]:
    """Every installed plugin, by kind and name; recipes are listed by file."""
    installed = entry_points()
    api = {point.dist.name: point.name for point in installed.select(group=API_GROUP) if point.dist}
    found: list[Plugin] = []
    for kind, group in GROUPS.items():
        for point in installed.select(group=group):
            name, version = _told(point.dist) if point.dist else ("?", "?")
            if kind == "recipe":
                found += [
                    Plugin(kind, f.stem, name, version, str(f), api.get(name, "")) for f in _recipe_files(point.value)
                ]
            else:
                found.append(Plugin(kind, point.name, name, version, point.value, api.get(name, "")))
    order = list(GROUPS)
    return tuple(sorted(set(found), key=lambda p: (order.index(p.kind), p.name, p.distribution)))


@lru_cache(maxsize=256)
def _told(distribution: Any) -> tuple[str, str]:
    """Name and version of a distribution, whose metadata would be parsed anew for each."""
    return distribution.name, distribution.version


def _recipe_files(package: str) -> list[Path]:
    """YAML files of a recipe package; `mezoo.recipes` lies inside the wheel, or beside the package in a checkout."""
    top, _, rest = package.partition(".")
    try:
        folder = module_file(top).parent
    except UnreadableError:
        return []
    inside, beside = folder.joinpath(*rest.split(".")), folder.parent.joinpath(*rest.split("."))
    return sorted((inside if inside.is_dir() else beside).glob("*.yaml"))


def find(kind: PluginKind, name: str) -> Plugin:
    """The plugin called `name`, or `distribution:name` where two share it. Raises PluginError, also for another API."""
    distribution, _, short = name.rpartition(":")
    named = [p for p in plugins() if p.kind == kind and p.name == short]
    found = [p for p in named if not distribution or _same(p.distribution, distribution)]
    if len(found) == 1:
        return _fitting(found[0])
    if found:
        owners = " and ".join(f"{p.distribution} {p.version}" for p in found)
        picks = " or ".join(f"{p.distribution}:{short}" for p in found)
        raise PluginError(f"two distributions offer a {kind} named {short!r}: {owners}", hint=f"write {picks}")
    known = sorted({p.name for p in plugins() if p.kind == kind})
    raise PluginError(
        f"no {kind} is named {name!r}{did_you_mean(short, known)}", hint=f"known: {', '.join(known) or 'none'}"
    )


def _fitting(plugin: Plugin) -> Plugin:
    if reason := plugin.misfit():
        what, _, way = reason.partition(": ")
        named = f"{plugin.kind} {plugin.name!r} of {plugin.distribution} {plugin.version}"
        raise PluginError(f"{named} {what}", hint=way or "ask its author")
    return plugin


def _same(a: str, b: str) -> bool:
    return a.lower().replace("_", "-") == b.lower().replace("_", "-")


def did_you_mean(word: str, known: list[str] | tuple[str, ...]) -> str:
    """'; did you mean X?' for the nearest known word, or ''."""
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def load(plugin: Plugin) -> Any:
    """Import the plugin's class. Raises PluginError naming the distribution and the reason."""
    _fitting(plugin)
    whole = f"{plugin.kind} {plugin.name!r} of {plugin.distribution} {plugin.version}"
    try:
        with _importing(whole):
            found = getattr(import_module(plugin.module), plugin.attribute)
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {error}"
        raise PluginError(
            f"{whole} cannot be loaded: {reason}",
            hint=f"mend or uninstall {plugin.distribution}; nothing else is affected",
        ) from error
    if missing := sorted(getattr(found, "__abstractmethods__", ())):
        raise PluginError(f"{whole} has no {', '.join(missing)}", hint=f"write them in {plugin.target}")
    return found


@contextmanager
def _importing(what: str) -> Generator[None]:
    """Name what is imported when it takes long; what it prints goes to standard error, as a command's own does not."""
    text = f"importing {what} ..."
    timer = Timer(PATIENCE_S, lambda: print(text, file=sys.stderr, flush=True))
    timer.daemon = True
    timer.start()
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        timer.cancel()


def state(plugin: Plugin) -> str:
    """`ok`, `broken: why`, or `slow: ...` for a plugin whose import did not end while it was waited for."""
    if reason := defect(plugin):
        return f"broken: {reason}"
    slow = plugin.kind != "recipe" and needs_probe(plugin.module) and _probe(plugin.module, plugin.attribute) is None
    return f"slow: its import was given up after {TRIAL_S:g} s, mezoo fit waits for it" if slow else "ok"


def defect(plugin: Plugin) -> str:
    """Why a plugin cannot be used, '' if it can, or if its import takes too long to tell.

    The source is read first; only where its top level runs code is it tried, in a process of its own.
    """
    if reason := plugin.misfit():
        return reason
    if plugin.kind == "recipe":
        return ""
    clash = [p for p in plugins() if (p.kind, p.name) == (plugin.kind, plugin.name) and p != plugin]
    if clash:
        return f"also offered by {clash[0].distribution}; write {plugin.distribution}:{plugin.name}"
    if reason := import_defect(plugin.module):
        return reason
    try:
        if missing := unwritten(plugin.module, plugin.attribute):
            return f"has no {', '.join(missing)}"
    except UnreadableError as error:
        if not needs_probe(plugin.module):
            return str(error)
    return (_probe(plugin.module, plugin.attribute) or "") if needs_probe(plugin.module) else ""


@lru_cache(maxsize=256)
def _probe(module: str, attribute: str) -> str | None:
    """Why a trial import fails, '' if it does not, None if it has not ended after `TRIAL_S`."""
    code = f"from {module} import {attribute}"
    try:
        with _importing(f"{module}, whose top level runs code, in a process of its own"):
            trial = subprocess.run(
                [sys.executable, "-c", code],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TRIAL_S,
                stdin=subprocess.DEVNULL,
                check=False,
            )
    except subprocess.TimeoutExpired:
        return None
    lines = trial.stderr.strip().splitlines()
    return "" if trial.returncode == 0 else (lines[-1] if lines else f"import ended with status {trial.returncode}")
