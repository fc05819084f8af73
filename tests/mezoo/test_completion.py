"""What bash, zsh and fish offer when the key is pressed: asked of the shells themselves, where they are installed."""

import shutil
import subprocess

import pytest

from mezoo.arguments import build_parser
from mezoo.completion import commands, script

BASH = 'source "$1"; COMP_WORDS=("${@:2}"); COMP_CWORD=$(($# - 2)); _mezoo; printf "%s\\n" "${COMPREPLY[@]}"'
# zsh's completion lives in its line editor: a terminal is needed, and ^T writes down what the line has become.
ZSH = """
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "$2; out() { print -r -- \\"\\$BUFFER\\" >> $1.lines; BUFFER=; }; zle -N out; bindkey '^T' out; print REA''DY"
zpty -r z said '*READY*'
for line in "${@[3,-1]}"; do
  zpty -w -n z "$line"$'\\t'$'\\x14'
  ((n++))
  repeat 200; do [[ -f $1.lines && $(wc -l < $1.lines) -ge $n ]] && break; sleep 0.05; done
done
"""
ASKED = {
    "lea": ["leaderboard"],
    "data ver": ["verify"],
    "data verify --tr": [],
    "verify --tr": ["--truth"],
    "fit mesnet_s": ["mesnet_samm"],
    "fit mesnet_samm --syn": ["--synthetic"],
    "fit mesnet_samm --executor in": ["inline"],
    "fit mesnet_samm --runs mesnet_s": [],
    "data info samm_l": ["samm_long"],
    "plugins check mesn": ["mesnet"],
    "recipe cp mer_gcn_casme2_7": ["mer_gcn_casme2_7"],
    "extract --feature roi": ["roi_flow"],
    "audit mesnet_samm --syn": ["--synthetic"],
    "plan fit --se": ["--set"],
}
"""After `mezoo`: what is typed, and all that is offered for its last word."""


def program(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    return found


def said(*command: object, cwd=None) -> list[str]:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, cwd=cwd, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split()


def written(shell: str, folder) -> object:
    file = folder / "_mezoo"
    file.write_text(script(shell, build_parser()), encoding="utf-8")
    return file


@pytest.mark.parametrize("typed", ASKED)
def test_bash_offers(tmp_path, typed):
    words = ["mezoo", *typed.split(" ")]
    assert said(program("bash"), "-c", BASH, "bash", written("bash", tmp_path), *words) == ASKED[typed]


def test_bash_looks_behind_an_equals_sign(tmp_path):
    ask = (program("bash"), "-c", BASH, "bash", written("bash", tmp_path), "mezoo", "fit", "x", "--executor", "=")
    assert said(*ask, "in") == ["inline"]
    assert "stacked" in said(*ask)


def test_fish_offers(tmp_path):
    fish, file = program("fish"), written("fish", tmp_path)
    ask = (fish, "--no-config", "-c", "source $argv[1]; complete -C $argv[2]", file)
    (tmp_path / "elsewhere").mkdir()
    for typed, offered in ASKED.items():
        assert said(*ask, f"mezoo {typed}", cwd=tmp_path / "elsewhere") == offered, typed
    assert "_mezoo" not in said(*ask, "mezoo list ", cwd=tmp_path), "no file can follow"
    for where in ("mezoo fit ", "mezoo report ", "mezoo fit x --runs "):
        assert "_mezoo" in said(*ask, where, cwd=tmp_path), "a file can follow"


@pytest.mark.parametrize("way", ["fpath", "source"])
def test_zsh_offers_at_the_first_press(tmp_path, way):
    zsh, file = program("zsh"), written("zsh", tmp_path)
    load = "autoload -U compinit; compinit -u -D"
    load = f"fpath+=({tmp_path}); {load}" if way == "fpath" else f"{load}; source {file}"
    (tmp_path / "elsewhere").mkdir()
    said(zsh, "-f", "-c", ZSH, "zsh", file, f"cd {tmp_path / 'elsewhere'}; {load}", *(f"mezoo {t}" for t in ASKED))
    lines = (tmp_path / "_mezoo.lines").read_text().splitlines()
    for (typed, offered), line in zip(ASKED.items(), lines, strict=True):
        head = typed.rpartition(" ")[0]
        assert line.split() == ["mezoo", *(f"{head} {offered[0]}" if offered else typed).split()], typed


def test_words_that_a_shell_would_run_are_left_out(monkeypatch):
    from dataclasses import replace

    import mezoo.completion as completion

    first = next(p for p in completion.plugins() if p.kind == "dataset")
    names = ["$(touch)", "a;b", 'c"d', "fine_1"]
    monkeypatch.setattr(completion, "plugins", lambda: [replace(first, name=n) for n in names])
    told = {c.name: c for c in commands(build_parser())}
    assert told["data info"].words == ("fine_1",)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_and_option_is_in_the_script(mezoo, shell):
    out = mezoo("completion", shell)[1]
    for command in commands(build_parser()):
        assert f'"{command.name}' in out
        for option in command.options:
            assert option.lstrip("-") in out


def test_another_shell_is_refused(mezoo):
    assert mezoo("completion", "tcsh")[0] == 2
