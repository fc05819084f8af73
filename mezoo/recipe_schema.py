"""JSON Schema (2020-12) of a recipe: the fixed keys, and each plugin's arguments where its name is given."""

from collections.abc import Sequence
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from mezoo.envelope import CLASS_MAPS, Envelope
from mezoo.joint_recipe import PARTS, SHARED, TASK
from mezoo.recipe import OWN_TRAINER_KEYS
from mezoo.registry import Plugin, PluginKind, defect, plugins
from mezoo.signatures import annotated_type
from mezoo.source import REQUIRED, ClassSource, Parameter, UnreadableError, read_class

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_KINDS: dict[str, PluginKind] = {"dataset": "dataset", "features": "feature", "model": "model"}


def recipe_schema() -> Schema:
    """The schema of a recipe of any task, with the plugins that are installed and can be used."""
    envelope = Envelope.model_json_schema(by_alias=True)
    defs: Schema = envelope.pop("$defs")
    one = {k: v for k, v in envelope.items() if k in {"type", "properties", "required", "additionalProperties"}}
    one["properties"] = {**one["properties"], "trainer": {"$ref": "#/$defs/trainer"}}
    one["properties"] |= {key: {"$ref": f"#/$defs/{kind}"} for key, kind in _KINDS.items()}
    defs["ClipsBlock"]["properties"]["classes"] = {"enum": [*CLASS_MAPS]}
    defs |= {kind: use_block(kind) for kind in _KINDS.values()}
    defs |= {"trainer": trainer_block(), "recipe": one, "joint": joint(one)}
    return {
        "$schema": DIALECT,
        "title": "mezoo recipe",
        "if": {"properties": {"task": {"const": TASK}}, "required": ["task"]},
        "then": {"$ref": "#/$defs/joint"},
        "else": {"$ref": "#/$defs/recipe"},
        "$defs": defs,
    }


def use_block(kind: PluginKind) -> Schema:
    """A `use:` block: the names of a kind, and for each the arguments of its constructor."""
    usable = {p.name: source for p in plugins() if p.kind == kind and (source := _source(p))}
    rules = [
        {
            "if": {"properties": {"use": {"const": name}}, "required": ["use"]},
            "then": arguments(source, supplied=("root",) if kind == "dataset" else ()),
        }
        for name, source in usable.items()
    ]
    about = {name: {"const": name, "description": source.summary} for name, source in usable.items()}
    use = {"anyOf": [*about.values(), {"type": "string", "pattern": ":"}]} if about else {"type": "string"}
    return {"type": "object", "properties": {"use": use}, "required": ["use"], "allOf": rules}


def _source(plugin: Plugin) -> ClassSource | None:
    try:
        return None if plugin.misfit() or defect(plugin) else plugin.source()
    except UnreadableError:
        return None


def arguments(source: ClassSource, supplied: Sequence[str] = ()) -> Schema:
    """The keys that a constructor takes beside `use`; `supplied` may be left out."""
    known = {p.name: argument(p) for p in source.parameters}
    needed = [p.name for p in source.parameters if p.default is REQUIRED and p.name not in supplied]
    closed = {} if source.open_ended else {"additionalProperties": False}
    return {"properties": {"use": {}, **known}, **({"required": needed} if needed else {}), **closed}


def argument(parameter: Parameter) -> Schema:
    """One argument by its annotation; what is no plain type may be anything, a plugin's class is a `use:` block."""
    told = {} if parameter.default is REQUIRED else {"default": parameter.default}
    told = {k: v for k, v in told.items() if isinstance(v, str | int | float | bool | None)}
    if "FeatureExtractor" in parameter.annotation or "Dataset" in parameter.annotation:
        kind = "feature" if "FeatureExtractor" in parameter.annotation else "dataset"
        inner: list[Schema] = [
            {"$ref": f"#/$defs/{kind}"},
            *([{"type": "null"}] if "None" in parameter.annotation else []),
        ]
        return {"anyOf": inner} if len(inner) > 1 else inner[0]
    wanted = annotated_type(parameter.annotation)
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(wanted, config=ConfigDict(arbitrary_types_allowed=True))
        plain = adapter.json_schema()
    except Exception:  # a type that JSON knows nothing of
        return told
    return {**plain, **told}


def trainer_block() -> Schema:
    """Arguments of lightning.Trainer, less those that mezoo sets."""
    source = read_class("lightning.pytorch.trainer.trainer", "Trainer")
    known = {p.name: argument(p) for p in source.parameters if p.name not in OWN_TRAINER_KEYS}
    return {"type": "object", "properties": known, "additionalProperties": False}


def joint(one: Schema) -> Schema:
    """A recipe of two parts: blocks that they share, and a part's own."""
    properties: Schema = one["properties"]
    own = {k: v for k, v in properties.items() if k not in {*SHARED, "task", "synthetic"}}
    part: Schema = {
        "type": "object",
        "properties": own,
        "required": ["features", "model"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "task": {"const": TASK},
            **{k: properties[k] for k in SHARED if k in properties},
            **dict.fromkeys(PARTS, part),
            "synthetic": {"type": "object"},
        },
        "required": ["task", "dataset", *PARTS],
        "additionalProperties": False,
    }
