"""A resolved recipe as YAML, each line with where its value came from."""

import json
from typing import Any

from mezoo.recipe import OVERLAID, KeyPath, Recipe
from mezoo.registry import Plugin


def annotated(recipe: Recipe) -> str:
    """YAML that `mezoo fit` takes again; a comment after each value says its origin."""
    blocks = {"dataset": recipe.dataset.plugin, "features": recipe.features.plugin, "model": recipe.model.plugin}
    aside = {"loggers": recipe.loggers, "executor": recipe.executor.model_dump(), "wandb": recipe.wandb.model_dump()}
    settings = {**recipe.resolved(), **aside}
    lines: list[str] = [f"# {recipe.name}-{recipe.digest()}"]
    for key, value in settings.items():
        if not isinstance(value, dict):
            lines.append(_line("", key, value, _origin(recipe, (key,), None)))
            continue
        lines.append(f"{key}:")
        for inner, item in value.items():
            lines.append(_line("  ", inner, item, _origin(recipe, (key, inner), blocks.get(key))))
    width = min(60, max(len(line.split("  # ")[0]) for line in lines))
    parts = [line.split("  # ") for line in lines]
    return "\n".join(f"{p[0]:<{width}}  # {p[1]}" if len(p) > 1 else p[0] for p in parts)


def lowered(recipe: Recipe) -> list[str]:
    """`block.key=value` of everything that the `synthetic:` block changed for the stand-in."""
    changed = [k for k, origin in recipe.origins.items() if origin.endswith(OVERLAID) and len(k) == 2]
    values = {**recipe.resolved(), **{name: block.given() for name, block in recipe.blocks().items()}}
    return [f"{block}.{key}={_brief(values[block][key])}" for block, key in changed]


def _brief(value: Any) -> str:
    """A value as YAML on one line would have it."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k}: {_brief(v)}' for k, v in value.items())}}}"
    return "null" if value is None else str(value)


def _line(indent: str, key: str, value: Any, origin: str) -> str:
    return f"{indent}{key}: {json.dumps(value, default=str, ensure_ascii=False)}  # {origin}"


def _origin(recipe: Recipe, path: KeyPath, plugin: Plugin | None) -> str:
    if found := recipe.origins.get(path):
        return found
    owner = f"{plugin.name} of {plugin.distribution} {plugin.version}" if plugin else "mezoo"
    return f"default of {owner}"
