"""A recipe: found, read, overridden, checked. Every error at once, with file, line and caret; torch is not imported."""

import copy
import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from pydantic import ValidationError

from mezoo import yaml_marks
from mezoo.envelope import (
    CLASS_MAPS,
    ClipsBlock,
    Envelope,
    ExecutorBlock,
    InitBlock,
    ProtocolBlock,
    StandInBlock,
    WandbBlock,
)
from mezoo.errors import PluginError, RecipeError
from mezoo.registry import Plugin, PluginKind, did_you_mean, find, plugins
from mezoo.signatures import check_block
from mezoo.source import ClassSource, UnreadableError, read_class

KeyPath = tuple[str, ...]
_BLOCKS: dict[str, PluginKind] = {"dataset": "dataset", "features": "feature", "model": "model"}
_NESTED: tuple[PluginKind, ...] = ("feature", "model", "dataset")
"""Kinds that a constructor's argument may be: `{use: name, ...}` inside a block."""
OWN_TRAINER_KEYS = {
    "callbacks": "mezoo keeps the held-out scores and the state of a fold by its own",
    "logger": "set the blocks `wandb` and `loggers`; CSV is always written",
    "default_root_dir": "give --runs",
    "enable_progress_bar": "mezoo draws its own",
    "enable_checkpointing": "mezoo keeps the state of a fold",
    "enable_model_summary": "mezoo reports the parameters",
    "num_sanity_val_steps": "there is no validation loop",
    "reload_dataloaders_every_n_epochs": "a model's samples are drawn anew every epoch",
}
OVERLAID = " (synthetic)"
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Block:
    """A resolved `use:` block: the plugin, the arguments given, and what its source says of the rest."""

    plugin: Plugin
    arguments: Mapping[str, Any]
    source: ClassSource

    def given(self) -> dict[str, Any]:
        """Arguments that were given, inner blocks as mappings."""
        inner = {k: {"use": b.plugin.name, **b.given()} for k, b in self.arguments.items() if isinstance(b, Block)}
        return {**self.arguments, **inner}

    def resolved(self) -> dict[str, Any]:
        """Arguments with the constructor's defaults filled in."""
        defaults = {p.name: p.default for p in self.source.parameters if p.name not in {"root"}}
        inner = {k: {"use": b.plugin.name, **b.resolved()} for k, b in self.arguments.items() if isinstance(b, Block)}
        return {**defaults, **self.arguments, **inner}


@dataclass(frozen=True, slots=True)
class Recipe:
    """A checked recipe. `origins` says for each key path where its value is from; `stand_in` is set by --synthetic."""

    name: str
    path: Path
    task: str
    dataset: Block
    features: Block
    model: Block
    protocol: ProtocolBlock
    trainer: Mapping[str, Any]
    wandb: WandbBlock
    stand_in: StandInBlock | None
    clips: ClipsBlock | None = None
    init: InitBlock | None = None
    compile: bool = False
    executor: ExecutorBlock = field(default_factory=ExecutorBlock)
    loggers: tuple[str, ...] = ()
    origins: Mapping[KeyPath, str] = field(default_factory=dict[KeyPath, str])
    notes: tuple[str, ...] = ()

    def resolved(self) -> dict[str, Any]:
        """Plain data of everything that decides the result, defaults included; `digest` is its hash."""
        blocks = {n: {"use": b.plugin.name, **b.resolved()} for n, b in self.blocks().items()}
        rest: dict[str, Any] = {"protocol": self.protocol.model_dump(), "trainer": dict(self.trainer)}
        if self.init is not None:
            rest["init"] = self.init.model_dump(by_alias=True)
        if self.compile:
            rest["compile"] = True
        if self.stand_in is not None:
            rest["synthetic"] = {"data": self.stand_in.model_dump()}
        if self.clips is None:
            return {"task": self.task, **blocks, **rest}
        return {"task": self.task, "clips": self.clips.model_dump(), **blocks, **rest}

    def digest(self) -> str:
        """Eight hex digits that name a run: equal for equal settings, wherever the data lie."""
        settings = self.resolved()
        settings["dataset"].pop("root", None)
        for name, block in self.blocks().items():
            settings[name]["from"] = [block.plugin.distribution, block.plugin.version]
        text = json.dumps(settings, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def blocks(self) -> dict[str, Block]:
        """The blocks that name a plugin."""
        return {"dataset": self.dataset, "features": self.features, "model": self.model}


def _laid_over(old: Any, new: Any) -> Any:
    """A nested block with the keys of another laid over it; a block of another plugin takes its place."""
    if not isinstance(old, dict) or not isinstance(new, dict) or new.get("use", old.get("use")) != old.get("use"):
        return new
    return {**old, **{k: _laid_over(old.get(k), v) for k, v in new.items()}}


def locate(argument: str) -> Path:
    """A recipe file: the path given, else a bundled or installed recipe of that name. Raises RecipeError."""
    path = Path(argument)
    if path.is_file():
        return path
    known = {p.name: Path(p.target) for p in plugins() if p.kind == "recipe"}
    if path.stem in known and path.suffix in {"", ".yaml", ".yml"}:
        return known[path.stem]
    near = did_you_mean(path.stem, [*known])
    raise RecipeError(
        f"no recipe {argument!r}: not a file, nor a bundled recipe{near}", hint=f"known: {', '.join(known) or 'none'}"
    )


def read_recipe(argument: str, overrides: Sequence[str] = (), *, synthetic: bool = False) -> Recipe:
    """Read and check a recipe; `overrides` are `key.path=value` texts. Raises RecipeError listing every problem."""
    path = locate(argument)
    return finished(Draft(path, yaml_marks.read(path)), overrides, synthetic=synthetic)


def finished(draft: "Draft", overrides: Sequence[str], *, synthetic: bool) -> Recipe:
    """A draft with overrides laid over it, also over its synthetic values. Raises RecipeError listing every problem."""
    for text in overrides:
        draft.override(text)
    if synthetic:
        draft.overlay_synthetic()
        for text in overrides:
            draft.override(text)
    draft.expand(environment_needed=not synthetic)
    return draft.finish(synthetic)


def read_block(kind: PluginKind, text: str, overrides: Sequence[str] = (), supplied: tuple[str, ...] = ()) -> Block:
    """A block as it was typed: a name or `{use: name, key: value}`, with `key.path=value` laid over it.

    `supplied` arguments are given by the program itself. Raises RecipeError listing every problem.
    """
    given = yaml_marks.parse(f"value: {text}", "what was given").data["value"]
    block = given if isinstance(given, dict) else {"use": given}
    draft = Draft(Path("what was given"), yaml_marks.Marked({kind: block}, {}, {}))
    for override in overrides:
        draft.override(f"{kind}.{override}")
    draft.expand(environment_needed=True)
    made = draft.block((kind,), [kind], supplied)
    if draft.problems or made is None:
        raise RecipeError(draft.render() or f"{text!r} names no {kind}", hint=f"mezoo list {kind}s has the names")
    return made


class Draft:
    """A recipe on its way: plain data, where each value came from, and the problems found so far."""

    def __init__(self, path: Path, marked: yaml_marks.Marked) -> None:
        self.path = path
        self.data: dict[str, Any] = copy.deepcopy(marked.data)
        self.places = dict(marked.keys)
        self.value_places = dict(marked.values)
        self.origins: dict[KeyPath, str] = {k: f"{path}:{p.line}" for k, p in marked.keys.items()}
        self.problems: list[tuple[KeyPath, str]] = []
        self.notes: list[str] = []

    def override(self, text: str) -> None:
        """Apply `--set key.path=value`. Raises RecipeError for a text of another form."""
        key, equals, value = text.partition("=")
        keys = tuple(key.strip().split("."))
        if not equals or not all(keys):
            raise RecipeError(
                f"--set {text!r} is not of the form key.path=value", hint="for example --set model.lr=1e-3"
            )
        data = yaml_marks.parse(f"value: {value}" if value else "value: ''", f"--set {text}").data["value"]
        self._put(keys, data, f"--set {text}")

    def overlay_synthetic(self) -> None:
        """Lay the values of the `synthetic:` block over the blocks of the same name."""
        block = self.data.get("synthetic")
        for name, values in block.items() if isinstance(block, dict) else ():
            if name == "data" or not isinstance(values, dict):
                continue
            for key, value in values.items():
                origin = self.origins.get(("synthetic", name, key), str(self.path))
                laid = _laid_over((self.data.get(name) or {}).get(key), value)
                self._put((name, key), laid, f"{origin}{OVERLAID}")
                if place := self.places.get(("synthetic", name, key)):
                    self.places[(name, key)] = self.value_places[(name, key)] = place

    def expand(self, *, environment_needed: bool) -> None:
        """Replace ${NAME} and ${NAME:-default} in every text; note variables that are not set."""

        def walk(value: Any, path: KeyPath) -> Any:
            if isinstance(value, dict):
                return {k: walk(v, (*path, k)) for k, v in value.items()}
            if isinstance(value, list):
                return [walk(v, (*path, str(i))) for i, v in enumerate(value)]
            return _VARIABLE.sub(lambda m: self._variable(m, path), value) if isinstance(value, str) else value

        self.environment_needed = environment_needed
        self.data = walk(self.data, ())

    def _variable(self, found: re.Match[str], path: KeyPath) -> str:
        name: str = found[1]
        default: str | None = found[2]
        value = os.environ.get(name, default)
        if value is None:
            if self.environment_needed:
                self.notes.append(f"{'.'.join(path)}: the environment variable {name} is not set")
            return found[0]
        self.origins[path] = f"{self.origins.get(path, '')}, {name} of the environment".lstrip(", ")
        return value

    def _put(self, keys: KeyPath, value: Any, origin: str) -> None:
        node = self.data
        for depth, key in enumerate(keys[:-1], start=1):
            if key not in node:
                self.origins[keys[:depth]] = origin
            child = node.setdefault(key, {})
            if not isinstance(child, dict):
                raise RecipeError(f"{origin}: {key!r} holds a value, not a block", hint="name a key inside a block")
            node = child
        node[keys[-1]] = value
        self.origins[keys] = origin
        self.places.pop(keys, None)

    def finish(self, synthetic: bool) -> Recipe:
        """Check everything and build the Recipe. Raises RecipeError with all problems."""
        try:
            envelope = Envelope.model_validate(self.data)
        except ValidationError as error:
            envelope = None
            for item in error.errors():
                self._envelope_problem(item)
        supplied = {"dataset": ("root",)} if synthetic else {}
        blocks = {name: self.block((name,), [kind], supplied.get(name, ())) for name, kind in _BLOCKS.items()}
        self._check_trainer()
        if envelope is not None and envelope.clips is not None:
            self._check_classes(envelope.clips.classes)
        if envelope is not None and "tensorboard" in envelope.loggers:
            self._check_tensorboard()
        if self.problems or envelope is None:
            raise RecipeError(self.render())
        done = {name: block for name, block in blocks.items() if block}
        return Recipe(
            name=self.path.stem,
            path=self.path,
            task=envelope.task,
            protocol=envelope.protocol,
            trainer=envelope.trainer,
            wandb=envelope.wandb,
            stand_in=envelope.synthetic.data if synthetic else None,
            clips=envelope.clips,
            init=envelope.init,
            compile=envelope.compile,
            executor=envelope.executor,
            loggers=envelope.loggers,
            origins=self.origins,
            notes=tuple(self.notes),
            **done,
        )

    def _envelope_problem(self, item: Any) -> None:
        path = tuple(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            known = _known_keys(path[:-1])
            self.problems.append(
                (path, f"unknown key {path[-1]!r}{did_you_mean(path[-1], known)} (known: {', '.join(known)})")
            )
        elif item["type"] == "missing":
            self.problems.append((path[:-1], f"the key {'.'.join(path)!r} is missing"))
        elif item["type"] == "value_error":
            self.problems.append((path or ("task",), str(item["ctx"]["error"])))
        else:
            self.problems.append((path, f"{'.'.join(path)}: {item['msg'].lower()}, given {item['input']!r}"))

    def block(self, path: KeyPath, kinds: Sequence[PluginKind], supplied: tuple[str, ...] = ()) -> Block | None:
        """The checked `use:` block at `path`, blocks inside its arguments included; None if it does not hold."""
        given: Any = self.data
        for key in path:
            given = given.get(key)
        if not isinstance(given, dict) or not isinstance(given.get("use"), str):
            return None
        try:
            plugin = _find_any(kinds, given["use"])
            source = plugin.source()
        except PluginError as error:
            self.problems.append(((*path, "use"), str(error).replace("\n", "; ")))
            return None
        except UnreadableError as error:
            self.problems.append(((*path, "use"), f"plugin {given['use']!r} cannot be loaded: {error}"))
            return None
        arguments = {k: v for k, v in given.items() if k != "use"}
        inner = {k: self.block((*path, k), _NESTED) for k, v in arguments.items() if isinstance(v, dict) and "use" in v}
        checked, problems = check_block(f"{plugin.kind} {plugin.name}", source, arguments, supplied)
        self.problems += [((*path, key) if key else path, message) for key, message in problems]
        return Block(plugin, {**checked, **{k: b for k, b in inner.items() if b}}, source)

    def _check_classes(self, name: str) -> None:
        if name not in CLASS_MAPS:
            near = did_you_mean(name, [*CLASS_MAPS])
            self.problems.append(
                (("clips", "classes"), f"no class map {name!r}{near} (known: {', '.join(CLASS_MAPS)})")
            )

    def _check_tensorboard(self) -> None:
        if not any(find_spec(name) for name in ("tensorboard", "tensorboardX")):
            self.problems.append((("loggers",), "the logger tensorboard is not installed: pip install tensorboard"))

    def _check_trainer(self) -> None:
        given = self.data.get("trainer")
        if not isinstance(given, dict) or not given:
            return
        source = read_class("lightning.pytorch.trainer.trainer", "Trainer")
        problems = check_block("lightning.Trainer", source, given)[1]
        for key, message in problems:
            self.problems.append((("trainer", key), message.split(" (it takes")[0]))
        for key in OWN_TRAINER_KEYS.keys() & given.keys():
            self.problems.append((("trainer", key), f"trainer.{key} is not yours to set: {OWN_TRAINER_KEYS[key]}"))

    def render(self) -> str:
        """Every problem, each with its line of the recipe where it has one."""
        text = self.path.read_text(encoding="utf-8").splitlines() if self.places else []
        ordered = sorted(set(self.problems), key=lambda p: (self._place(p[0]) or (10**6, 0), p[1]))
        lines: list[str] = []
        for path, message in ordered:
            place = self._place(path)
            if place is None:
                lines.append(f"{self.origins.get(path, self.path)}: {message}")
                continue
            lines.append(f"{self.path}:{place[0]}:{place[1]}: {message}")
            lines.append(f"  {place[0]:>4} | {text[place[0] - 1]}")
            lines.append(f"       | {' ' * (place[1] - 1)}^")
        return "\n".join(lines)

    def _place(self, path: KeyPath) -> tuple[int, int] | None:
        if self.origins.get(path, "").startswith("--set"):
            return None
        place = self.value_places.get(path) if path and path[-1] == "use" else self.places.get(path)
        return (place.line, place.column) if place else None


def _known_keys(path: KeyPath) -> list[str]:
    model: Any = Envelope
    for part in path:
        annotation = model.model_fields[part].annotation
        model = next((a for a in get_args(annotation) if a is not NoneType), annotation)
    return [*model.model_fields]


def _find_any(kinds: Sequence[PluginKind], name: str) -> Plugin:
    """The plugin of that name among several kinds; the error is that of the first kind."""
    short = name.rpartition(":")[2]
    offered = {p.kind for p in plugins() if p.name == short}
    fitting: list[PluginKind] = [kind for kind in kinds if kind in offered] or [*kinds]
    return find(fitting[0], name)
