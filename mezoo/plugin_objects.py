"""From a checked `use:` block to the object it stands for."""

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from mezoo.errors import MezooError, PluginError
from mezoo.recipe import Block
from mezoo.registry import load


def make(block: Block, **supplied: Any) -> Any:
    """Construct the plugin of a block. Raises PluginError naming it when its constructor fails."""
    plugin = block.plugin
    made = load(plugin)
    try:
        with redirect_stdout(sys.stderr):  # standard output is the command's own, and may be read as JSON
            return made(**{**{k: _value(v) for k, v in block.arguments.items()}, **supplied})
    except MezooError:
        raise
    except Exception as error:
        raise PluginError(
            f"{plugin.kind} {plugin.name!r} of {plugin.distribution} refuses its arguments: "
            f"{type(error).__name__}: {error}",
            hint="mezoo show RECIPE prints what it was given",
        ) from error


def describe(block: Block) -> dict[str, Any]:
    """Name, distribution, version and every argument of a block, for a result."""
    arguments: Mapping[str, Any] = block.resolved()
    return {
        "name": block.plugin.name,
        "distribution": block.plugin.distribution,
        "version": block.plugin.version,
        "arguments": {k: str(v) if isinstance(v, Path) else v for k, v in arguments.items()},
    }


def _value(value: Any) -> Any:
    """An argument as the constructor wants it: a nested block is made, `~` is the user's home."""
    if isinstance(value, Block):
        return make(value)
    return value.expanduser() if isinstance(value, Path) else value
