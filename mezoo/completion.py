"""Completion scripts for shells: everything that the parser knows, and the names of recipes and plugins, in one text.

A script is written once and read by the shell; pressing the key starts no Python. All three walk the words that were
typed to the command that is meant, since `mezoo verify` and `mezoo data verify` take different options.
"""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mezoo.registry import plugins


@dataclass(frozen=True, slots=True)
class Command:
    """What can follow a command: words (and files, if `files`), options, and what an option takes: () is anything."""

    path: tuple[str, ...]
    words: tuple[str, ...]
    files: bool
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
    values: dict[str, tuple[str, ...]] = {}
    options: list[str] = []
    files = False
    for action in parser._actions:  # pyright: ignore[reportPrivateUsage]  # argparse has no public list of them
        offered = tuple(map(str, action.choices or _known(path, action.dest)))
        if isinstance(action, argparse._SubParsersAction):  # pyright: ignore[reportPrivateUsage]
            inner.update(action.choices)
        if not action.option_strings:
            words += offered
            files = files or action.dest == "recipe" or not (offered or action.dest == "name")
        else:
            options += action.option_strings
            values.update(dict.fromkeys(action.option_strings, offered) if action.nargs != 0 else {})
    yield Command(path, tuple(dict.fromkeys(words)), files, tuple(options), values)
    for name, child in inner.items():
        yield from commands(child, (*path, name))


def _known(path: Sequence[str], argument: str) -> tuple[str, ...]:
    """Names that an argument without a fixed choice may have, less those that a shell reads as more than a name."""
    wanted = {"dataset": ("dataset",), "feature": ("feature",), "recipe": ("recipe",)}.get(argument, ())
    if argument == "name":
        wanted = {"data": ("dataset",), "plugins": ("dataset", "feature", "model")}.get((*path, "")[0], ())
    names = dict.fromkeys(p.name for p in plugins() if p.kind in wanted)
    return tuple(name for name in names if re.fullmatch(r"[\w.+-]+", name))


def _edges(found: Sequence[Command]) -> list[tuple[str, str]]:
    """(command so far, next word) wherever a word leads deeper."""
    return [(" ".join(c.path[:-1]), c.path[-1]) for c in found if c.path]


def _cases(found: Sequence[Command]) -> str:
    """Lines of bash and zsh: from the words before the cursor to $at, and from $at, $before and $cur to $offered."""
    steps = [f'      "{at}|{word}") at="{f"{at} {word}".strip()}";;' for at, word in _edges(found)]
    values = [_case(f'"{c.name}|{o}"', v) for c in found for o, v in c.values.items()]
    dashed = [_case(f'"{c.name}|-"*', c.options) for c in found]
    words = [_case(f'"{c.name}|"*', c.words) for c in found if c.words]
    before = ['    case "$at|$word" in', *steps, "    esac", "  done", '  case "$at|$before" in', *values]
    return "\n".join([*before, '    *) case "$at|$cur" in', *dashed, *words, "    esac;;", "  esac"])


def _case(pattern: str, offered: Sequence[str]) -> str:
    return f'      {pattern}) offered="{" ".join(offered)}";;'


def _bash(found: Sequence[Command]) -> str:
    return f"""# mezoo completion bash > ~/.local/share/bash-completion/completions/mezoo
_mezoo() {{
  local at="" word offered="" cur="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}"
  # bash cuts --option=value into three words
  [[ $cur == "=" ]] && cur=""
  [[ $before == "=" ]] && before="${{COMP_WORDS[COMP_CWORD-2]}}"
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
{_cases(found)}
  COMPREPLY=($(compgen -W "$offered" -- "$cur"))
}}
complete -o default -F _mezoo mezoo"""


def _zsh(found: Sequence[Command]) -> str:
    return f"""#compdef mezoo
# mezoo completion zsh > ~/.zfunc/_mezoo, with `fpath+=~/.zfunc` before compinit in ~/.zshrc
_mezoo() {{
  local at="" word offered="" before="${{words[CURRENT-1]}}"
  [[ $PREFIX == --*=* ]] && before="${{PREFIX%%=*}}" && compset -P '*='
  local cur="$PREFIX"
  for word in "${{(@)words[2,CURRENT-1]}}"; do
{_cases(found)}
  compadd -- ${{=offered}} || _files
}}
# As a file of fpath this text is the function at its first call; read by `source`, it only says what completes mezoo.
if [[ "${{funcstack[1]}}" == _mezoo ]]; then _mezoo "$@"; else compdef _mezoo mezoo; fi"""


def _fish(found: Sequence[Command]) -> str:
    steps = "\n".join(f'      case "{at}|{word}"; set at "{f"{at} {word}".strip()}"' for at, word in _edges(found))
    lines = [
        f"""# mezoo completion fish > ~/.config/fish/completions/mezoo.fish
function __mezoo_at
  set -l at ""
  for word in (commandline -opc)[2..-1]
    switch "$at|$word"
{steps}
    end
  end
  test "$at" = "$argv[1]"
end"""
    ]
    for command in found:
        begin = f"complete -c mezoo -n '__mezoo_at \"{command.name}\"'"
        offered = f" -a '{' '.join(command.words)}'" if command.words else ""
        lines.append(f"{begin}{'' if command.files else ' -f'}{offered}" if offered or not command.files else "")
        for option in command.options:
            flag = f"{begin} -l {option[2:]}" if option.startswith("--") else f"{begin} -s {option[1:]}"
            takes = command.values.get(option)
            lines.append(flag if takes is None else f"{flag} -x -a '{' '.join(takes)}'" if takes else f"{flag} -r -F")
    return "\n".join(line for line in lines if line)
