"""What a person types and sees."""

import json

import pytest

from mezoo.arguments import EXAMPLES, build_parser


def commands(parser, prefix=""):
    """Every command and group with its parser."""
    for action in parser._subparsers._group_actions if parser._subparsers else ():
        for name, child in action.choices.items():
            yield f"{prefix}{name}", child
            yield from commands(child, f"{prefix}{name} ")


def test_every_command_helps_with_an_example_that_parses():
    found = dict(commands(build_parser()))
    assert set(found) | {""} == set(EXAMPLES)
    for name, parser in found.items():
        assert f"example: {EXAMPLES[name]}" in parser.format_help()
        build_parser().parse_args(EXAMPLES[name].split()[1:])


def test_help_and_version(mezoo):
    code, out, _ = mezoo("--help")
    assert code == 0
    assert "mezoo fit recipes/mesnet_samm.yaml --synthetic" in out
    assert mezoo("--version")[1].startswith("mezoo 0.")


@pytest.mark.parametrize("arguments", [[], ["fitt"], ["fit"], ["fit", "x", "--sett", "a=1"], ["list", "animals"]])
def test_a_slip_on_the_command_line_exits_with_two(mezoo, arguments):
    assert mezoo(*arguments)[0] == 2


def test_data_commands(mezoo, tmp_path):
    assert {"samm_long", "toy"} <= {row["name"] for row in json.loads(mezoo("data", "list", "--json")[1])}
    assert json.loads(mezoo("data", "info", "samm_long", "--json")[1])["owner"].startswith("M. H. Yap")
    assert "Manchester" in mezoo("data", "info", "samm_long")[1]
    assert mezoo("data", "synth", "toy", "--out", tmp_path / "a")[0] == 0
    code, out, _ = mezoo("data", "verify", "toy", "--root", tmp_path / "a")
    assert code == 0
    assert "complete" in out
    found = json.loads(mezoo("data", "verify", "toy", "--root", tmp_path / "a", "--json")[1])
    assert found["complete"] is True
    assert found["excluded"][0]["reason"] == "nothing"
    assert mezoo("data", "synth", "toy", "--out", tmp_path / "a")[0] == 2, "never over something"
    assert mezoo("data", "verify", "toyy", "--root", tmp_path)[0] == 2


def test_errors_are_short_and_without_traceback(mezoo, tmp_path):
    code, _, err = mezoo("data", "verify", "samm_long", "--root", tmp_path / "nowhere")
    assert code == 2
    assert "Manchester" in err
    assert len(err.splitlines()) < 12
    assert "Traceback" not in err
