"""Completion scripts for shells: everything that the parser knows, and the names of recipes and plugins, in one text.

A script is written once and read by the shell; pressing the key starts no Python.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mezoo.registry import plugins


@dataclass(frozen=True, slots=True)
class Command:
    """What can follow a command: words, options, and the values of options that have a fixed choice."""

    path: tuple[str, ...]
    words: tuple[str, ...]
    options: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @property
    def name(self) -> str:
        """As typed: `data info`."""
        return " ".join(self.path)


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """The script of a shell: bash, zsh or fish."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](list(commands(parser)))


def commands(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[Command]:
    """A parser's commands, itself first."""
    inner: dict[str, argparse.ArgumentParser] = {}
    words: list[str] = []
    options: list[str] = []
    values: dict[str, tuple[str, ...]] = {}
    for action in parser._actions:  # pyright: ignore[reportPrivateUsage]  # argparse has no public list of them
        if isinstance(action, argparse._SubParsersAction):  # pyright: ignore[reportPrivateUsage]
            inner.update(action.choices)
            words += [*action.choices]
        elif action.option_strings:
            options += action.option_strings
            offered = tuple(map(str, action.choices or _known(path, action.dest)))
            values.update(dict.fromkeys(action.option_strings, offered) if offered else {})
        else:
            words += map(str, action.choices or _known(path, action.dest))
    yield Command(path, tuple(dict.fromkeys(words)), tuple(options), values)
    for name, child in inner.items():
        yield from commands(child, (*path, name))


def _known(path: Sequence[str], argument: str) -> tuple[str, ...]:
    """Names that an argument without a fixed choice may have."""
    wanted = {"dataset": ("dataset",), "feature": ("feature",), "recipe": ("recipe",)}.get(argument, ())
    if argument == "name":
        wanted = {"data": ("dataset",), "plugins": ("dataset", "feature", "model")}.get((*path, "")[0], ())
    return tuple(dict.fromkeys(p.name for p in plugins() if p.kind in wanted))


def _edges(found: Sequence[Command]) -> list[tuple[str, str]]:
    """(command so far, next word) wherever a word leads deeper."""
    return [(" ".join(c.path[:-1]), c.path[-1]) for c in found if c.path]


def _bash(found: Sequence[Command]) -> str:
    steps = "\n".join(f'      "{at}|{word}") at="{f"{at} {word}".strip()}";;' for at, word in _edges(found))
    values = "\n".join(_case(f'"{c.name}|{o}"', v) for c in found for o, v in c.values.items())
    after = "\n".join(_case(f'"{c.name}"', (*c.words, *c.options)) for c in found)
    return f"""# mezoo completion bash > ~/.local/share/bash-completion/completions/mezoo
_mezoo() {{
  local at="" word offered="" cur="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}"
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$at|$word" in
{steps}
    esac
  done
  case "$at|$before" in
{values}
    *) case "$at" in
{after}
    esac;;
  esac
  COMPREPLY=($(compgen -W "$offered" -- "$cur"))
}}
complete -o default -F _mezoo mezoo"""


def _case(pattern: str, offered: Sequence[str]) -> str:
    return f'      {pattern}) offered="{" ".join(offered)}";;'


def _zsh(found: Sequence[Command]) -> str:
    steps = "\n".join(f'      "{at}|{word}") at="{f"{at} {word}".strip()}";;' for at, word in _edges(found))
    values = "\n".join(_case(f'"{c.name}|{o}"', v) for c in found for o, v in c.values.items())
    after = "\n".join(_case(f'"{c.name}"', (*c.words, *c.options)) for c in found)
    return f"""#compdef mezoo
# mezoo completion zsh > ~/.zfunc/_mezoo, with `fpath+=~/.zfunc` before compinit in ~/.zshrc
_mezoo() {{
  local at="" word offered="" before="${{words[CURRENT-1]}}"
  for word in "${{(@)words[2,CURRENT-1]}}"; do
    case "$at|$word" in
{steps}
    esac
  done
  case "$at|$before" in
{values}
    *) case "$at" in
{after}
    esac;;
  esac
  compadd -- ${{=offered}}
  _files
}}
compdef _mezoo mezoo"""


def _fish(found: Sequence[Command]) -> str:
    lines = ["# mezoo completion fish > ~/.config/fish/completions/mezoo.fish"]
    for command in found:
        deeper = [c.path[-1] for c in found if c.path and c.path[:-1] == command.path]
        seen = [f"__fish_seen_subcommand_from {word}" for word in command.path]
        not_yet = [f"not __fish_seen_subcommand_from {' '.join(deeper)}"] if deeper else []
        when = "; and ".join([*seen, *not_yet]) or "true"
        lines += [f"complete -c mezoo -n '{when}' -a '{' '.join(command.words)}'"] if command.words else []
        for option in command.options:
            flag = f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"
            offered = command.values.get(option)
            lines.append(f"complete -c mezoo -n '{when}' {flag}" + (f" -x -a '{' '.join(offered)}'" if offered else ""))
    return "\n".join(lines)
