"""What can be typed: every command with its options and an example."""

import argparse
from collections.abc import Callable
from typing import Any

EXAMPLES = {
    "": "mezoo fit recipes/mesnet_samm.yaml --synthetic",
    "fit": "mezoo fit recipes/mesnet_samm.yaml --synthetic --set trainer.max_epochs=10",
    "predict": "mezoo predict film.mp4 --run runs/mesnet_samm-1a2b3c4d --out found",
    "export": "mezoo export runs/mesnet_samm-1a2b3c4d --out mesnet_samm",
    "gather": "mezoo gather runs/mesnet_samm-1a2b3c4d",
    "list": "mezoo list models --json",
    "check": "mezoo check recipes/mesnet_samm.yaml --set model.lr=1e-3",
    "show": "mezoo show mesnet_samm --synthetic",
    "plan": "mezoo plan mesnet_samm --synthetic",
    "doctor": "mezoo doctor --json",
    "extract": "mezoo extract --dataset casme2 --root /data/CASME2 --feature tvl1 --set feature.size=128",
    "view": "mezoo view casme2/01/EP02_01f --root /data/CASME2 --feature tvl1 --out views",
    "data": "mezoo data verify samm_long --root /data/SAMM_longvideos",
    "data list": "mezoo data list --json",
    "data info": "mezoo data info casme2",
    "data verify": "mezoo data verify samm_long --root /data/SAMM_longvideos --json",
    "data synth": "mezoo data synth casme2 --out /tmp/casme2 --preset full --dirty --frames empty",
    "report": "mezoo report runs/mesnet_samm-1a2b3c4d --open --figures",
    "score": "mezoo score --task spotting --truth truth.csv --pred predictions.csv --json",
    "leaderboard": "mezoo leaderboard runs/* --html board.html",
    "submit": "mezoo submit runs/mesnet_samm-1a2b3c4d --out claim.zip",
    "verify": "mezoo verify claim.zip",
    "diff": "mezoo diff runs/mesnet_samm-1a2b3c4d claim.zip",
    "audit": "mezoo audit recipes/mesnet_samm.yaml --synthetic --quick",
    "store": "mezoo store explain mesnet_samm --synthetic",
    "store list": "mezoo store list --json",
    "store explain": "mezoo store explain mesnet_samm --synthetic",
    "store prune": "mezoo store prune --days 30",
    "new": "mezoo new model tiny_net",
    "plugins": "mezoo plugins check mesnet --quick",
    "plugins check": "mezoo plugins check mesnet --quick",
    "recipe": "mezoo recipe cp mesnet_samm mine.yaml",
    "recipe cp": "mezoo recipe cp mesnet_samm mine.yaml",
    "schema": "mezoo schema --out recipe.schema.json",
    "completion": "mezoo completion bash",
}
FUNCTIONS = {"list": "list_"}
"""Functions whose name differs from the command's."""


def build_parser() -> argparse.ArgumentParser:
    """Every command with its options and an example."""
    parser = _parser(argparse.ArgumentParser, "", "Micro-expression methods, datasets and features; honest numbers.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print mezoo's version")
    # Named, or else argparse draws the usage to find the name, and loads rich for it at every start.
    commands = parser.add_subparsers(metavar="COMMAND", required=True, prog="mezoo")
    _fit(commands)
    _predict(commands)
    _list(commands)
    for name, text in (("check", "validate a recipe: no data, no GPU"), ("show", "print a recipe with every default")):
        _recipe_arguments(_add(commands, name, text))
    _plan(commands)
    _doctor(commands)
    _features(commands)
    _data(commands)
    _report(commands)
    _score(commands)
    _leaderboard(commands)
    _claims(commands)
    _audit(commands)
    _store(commands)
    _plugins(commands, parser)
    return parser


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        import mezoo

        print(f"mezoo {mezoo.__version__}")
        parser.exit()


def _fit(commands: Any) -> None:
    parser = _add(commands, "fit", "train and score a recipe over all folds; the same command continues")
    _recipe_arguments(parser)
    parser.add_argument("--runs", default="runs", metavar="DIR", help="where run folders go (default: runs)")
    parser.add_argument("--fresh", action="store_true", help="forget an earlier run of the same recipe and begin anew")
    parser.add_argument("--final", action="store_true", help="train one model on all subjects, for mezoo predict")
    parser.add_argument("--workers", type=int, metavar="N", help="folds trained side by side, each in a process")
    executors = ["inline", "process", "ray", "stacked"]
    parser.add_argument("--executor", choices=executors, help="where folds are trained (default: the recipe's)")
    parser.add_argument(
        "--fold", metavar="SUBJECT", help="train this fold alone, as one task of a cluster; then gather"
    )
    parser.add_argument("--folds", action="store_true", help="print the names of the folds, one a line, and stop")
    gather = _add(commands, "gather", "pool folds that were trained one by one; exit code 1 if some are missing")
    gather.add_argument("run", metavar="RUN", help="a run's folder")


def _predict(commands: Any) -> None:
    predict = _add(commands, "predict", "spot and name expressions in a new film: tables, ELAN file, page")
    predict.add_argument("film", metavar="FILM", help="avi, mp4, mov, mkv ..., or a folder of numbered images")
    source = predict.add_mutually_exclusive_group(required=True)
    source.add_argument("--run", dest="model", metavar="RUN", help="a run's folder; its folds are asked together")
    source.add_argument("--model", metavar="DIR", help="a folder that mezoo export wrote")
    predict.add_argument("--recognizer", metavar="RUN", help="a second run or folder, which names what is spotted")
    predict.add_argument("--fold", metavar="NAME", help="ask this fold alone; final is that of mezoo fit --final")
    predict.add_argument("--out", metavar="DIR", help="where to write (default: predictions/FILM)")
    predict.add_argument("--fps", type=float, metavar="N", help="frames a second of images, or of a film that lies")
    predict.add_argument("--video", action="store_true", help="also write the film with what was found drawn on it")
    predict.add_argument(
        "--device", default="auto", metavar="NAME", help="cpu, cuda ... (default: a GPU if there is one)"
    )
    _json(predict)
    export = _add(commands, "export", "one folder to pass on: weights, settings, card, licence note")
    export.add_argument("run", metavar="RUN", help="a run's folder")
    export.add_argument("--out", required=True, metavar="DIR", help="a new folder")
    export.add_argument("--fold", metavar="NAME", help="this member alone; final is that of mezoo fit --final")
    export.add_argument("--onnx", action="store_true", help="also the networks as ONNX, each compared with PyTorch")


def _list(commands: Any) -> None:
    parser = _add(commands, "list", "plugins and recipes that are installed; imports none of them")
    kinds = ["datasets", "features", "models", "recipes"]
    parser.add_argument("kind", nargs="?", choices=kinds, help="only these")
    _json(parser)


def _doctor(commands: Any) -> None:
    parser = _add(commands, "doctor", "is this machine fit? versions, bad combinations, disks, store, devices")
    parser.add_argument("--runs", default="runs", metavar="DIR", help="where runs would go (default: runs)")
    _json(parser)


def _plan(commands: Any) -> None:
    parser = _add(commands, "plan", "what a run will cost: folds, features, memory, time, disk; trains nothing")
    _recipe_arguments(parser)
    parser.add_argument("--runs", default="runs", metavar="DIR", help="where the run would go (default: runs)")
    parser.add_argument("--workers", type=int, metavar="N", help="folds that would be trained side by side")
    _json(parser)


def _features(commands: Any) -> None:
    extract = _add(commands, "extract", "features of every video into the store; the same command continues")
    extract.add_argument("recipe", nargs="?", help="a recipe, whose dataset and features are meant")
    extract.add_argument("--dataset", metavar="NAME", help="a dataset of `mezoo data list`, with --root")
    extract.add_argument("--film", nargs="+", metavar="FILE", help="films, or folders of films")
    extract.add_argument("--workers", type=int, metavar="N", help="processes (default: all cores where it pays)")
    extract.add_argument("--executor", choices=["process", "ray"], default="process", help="ray: on a Ray cluster")
    extract.add_argument("--out", metavar="DIR", help="also write each as DIR/SUBJECT/VIDEO.npz")
    view = _add(commands, "view", "a page and a contact sheet of one video")
    view.add_argument("what", metavar="DATASET/VIDEO", help="such as casme2/01/EP02_01f, or a film")
    view.add_argument("--out", default="views", metavar="DIR", help="where to write (default: views)")
    for parser in (extract, view):
        parser.add_argument("--root", metavar="DIR", help="the dataset's folder (default: $MEZOO_DATA)")
        parser.add_argument("--feature", metavar="NAME", help="a feature of `mezoo list features`, or {use: ..., ...}")
        parser.add_argument(
            "--set", action="append", default=[], metavar="KEY=VALUE", help="as feature.size=128; repeatable"
        )
        parser.add_argument("--synthetic", action="store_true", help="on a synthetic stand-in: no licence, no download")
    _json(extract)


def _data(commands: Any) -> None:
    group = _group(commands, "data", "datasets: what they are, whether yours is complete, a synthetic stand-in")
    _json(_add(group, "data list", "datasets that can be read"))
    info = _add(group, "data info", "paper, owner, how to ask for it, layout on disk")
    verify = _add(group, "data verify", "compare a folder with what the owner published; exit code 1 if it differs")
    synth = _add(group, "data synth", "write a synthetic stand-in in the dataset's own layout")
    for parser in (info, verify, synth):
        parser.add_argument("name", help="a dataset of `mezoo data list`")
    verify.add_argument("--root", required=True, metavar="DIR", help="the folder as unzipped")
    verify.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option that `mezoo data info` lists; repeatable",
    )
    synth.add_argument("--out", required=True, metavar="DIR", help="a new folder")
    synth.add_argument("--preset", choices=["small", "full"], default="small", help="full: the real numbers")
    synth.add_argument("--subjects", type=int, help="number of subjects")
    synth.add_argument("--intensity", type=float, default=1.0, help="scales every expression; 0 is none (default: 1)")
    synth.add_argument("--seed", type=int, default=0, help="another seed, other faces and films")
    synth.add_argument("--dirty", action="store_true", help="with the defects that real releases have")
    frames = synth.add_mutually_exclusive_group()
    choices = ["rendered", "empty", "none"]
    text = "empty: files of the right names without content; none: tables only (default: rendered)"
    frames.add_argument("--frames", choices=choices, default="rendered", help=text)
    frames.add_argument("--tables-only", dest="frames", action="store_const", const="none", help="as --frames none")
    _json(info)
    _json(verify)


def _leaderboard(commands: Any) -> None:
    parser = _add(commands, "leaderboard", "measured rows ranked with their uncertainty; published ones apart")
    parser.add_argument("runs", nargs="*", metavar="RUNS", help="run folders, or folders of them (default: runs)")
    parser.add_argument("--html", metavar="FILE", help="write a page that can be sorted and filtered")
    parser.add_argument("--md", action="store_true", help="print Markdown")
    parser.add_argument("--task", metavar="TASK", help="only this task, as spotting")
    parser.add_argument("--dataset", metavar="NAME", help="only this dataset, as samm_long or CAS(ME)2")
    parser.add_argument("--protocol", metavar="NAME", help="only this protocol, as megc2019")
    _json(parser)


def _claims(commands: Any) -> None:
    submit = _add(commands, "submit", "pack a run, without videos or weights, so that others compute its numbers again")
    submit.add_argument("run", metavar="RUN", help="a run's folder")
    submit.add_argument("--out", default="claim.zip", metavar="FILE", help="the claim (default: claim.zip)")
    text = "also a run that is no result (partial, a control, leaky), and mark it so"
    submit.add_argument("--diagnostic", action="store_true", help=text)
    text = "leave the annotation out and keep its hash: for datasets whose licence forbids to pass labels on"
    submit.add_argument("--hash-truth", action="store_true", help=text)
    text = "compute every number of a claim again, without videos; exit code 1 if it is refused"
    verify = _add(commands, "verify", text)
    verify.add_argument("claim", metavar="CLAIM", help="what mezoo submit wrote")
    text = "the annotation of a claim without it: truth.csv or clips.csv of any run on the same data"
    verify.add_argument("--truth", metavar="FILE", help=text)
    diff = _add(commands, "diff", "the first layer where two runs differ; exit code 1 if one does")
    diff.add_argument("a", metavar="A", help="a run's folder, or a claim")
    diff.add_argument("b", metavar="B", help="another")
    _json(verify)
    _json(diff)


def _report(commands: Any) -> None:
    parser = _add(commands, "report", "write a run's page anew from its files; figures and tables for a paper")
    parser.add_argument("run", metavar="RUN", help="a run's folder")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    text = "also write every figure as SVG, PDF and PNG, and tables as LaTeX (default: RUN/figures)"
    parser.add_argument("--figures", nargs="?", const="", metavar="DIR", help=text)


def _score(commands: Any) -> None:
    parser = _add(commands, "score", "score a table of predictions against a table of truth, whoever made them")
    parser.add_argument("--task", required=True, choices=["spotting", "recognition", "strs"])
    text = "video,onset,offset,kind[,emotion] or sample,label; also subject and dataset"
    parser.add_argument("--truth", required=True, metavar="CSV", help=text)
    parser.add_argument("--pred", required=True, metavar="CSV", help="the same; or sample and a probability a class")
    parser.add_argument("--protocol", metavar="NAME", help="refuse a truth without its denominators, as megc2021")
    parser.add_argument("--classes", metavar="A,B,C", help="the fixed list of classes or emotions")
    scorers = ["auwgcn", "megc2020", "strs_official", "ltp"]
    parser.add_argument("--scorer", choices=scorers, help="a published rule, to reproduce its numbers")
    _json(parser)


def _audit(commands: Any) -> None:
    parser = _add(commands, "audit", "is a recipe's number honest? split, features, fitted quantities, a control run")
    _recipe_arguments(parser)
    parser.add_argument("--runs", default="runs", metavar="DIR", help="where the control run goes (default: runs)")
    parser.add_argument("--quick", action="store_true", help="without the control, which trains every fold")
    _json(parser)


def _store(commands: Any) -> None:
    group = _group(commands, "store", "extracted features on disk")
    _json(_add(group, "store list", "what is stored"))
    explain = _add(group, "store explain", "which features of a recipe are stored, and why the others are not")
    _recipe_arguments(explain)
    _json(explain)
    prune = _add(group, "store prune", "remove stored features")
    prune.add_argument("--days", type=float, help="only those not used for so many days (default: all)")
    prune.add_argument("--yes", action="store_true", help="do not ask")


def _plugins(commands: Any, whole: argparse.ArgumentParser) -> None:
    new = _add(commands, "new", "a complete package of your own: code that works, recipe, card, test")
    new.add_argument("kind", choices=["model", "dataset", "feature"], help="what it brings")
    new.add_argument("name", metavar="NAME", help="what recipes call it, such as tiny_net")
    new.add_argument("--task", choices=["recognition", "spotting"], help="what a model does (default: recognition)")
    new.add_argument("--stored", action="store_true", help="a dataset of maps that somebody computed, without films")
    new.add_argument("--like", default="", metavar="OTHER", help="a copy of an installed plugin, under the new name")
    new.add_argument("--out", default=".", metavar="DIR", help="where its folder goes (default: here)")
    group = _group(commands, "plugins", "what plugins promise, and whether they keep it")
    check = _add(group, "plugins check", "the contract checks of a plugin as a table; exit code 1 if one fails")
    check.add_argument("name", metavar="NAME", help="a dataset, feature or model of `mezoo list`")
    check.add_argument("--kind", choices=["dataset", "feature", "model"], help="where several kinds have the name")
    check.add_argument("--recipe", default="", metavar="RECIPE", help="as this recipe uses it (default: one that does)")
    check.add_argument("--quick", action="store_true", help="without the check that trains as the recipe says")
    _json(check)
    copies = _group(commands, "recipe", "recipes of your own")
    copy = _add(copies, "recipe cp", "copy an installed recipe, to change it")
    copy.add_argument("recipe", help="the name of a recipe of `mezoo list recipes`, or a file")
    copy.add_argument("to", nargs="?", metavar="FILE", help="a new file (default: NAME.yaml here)")
    schema = _add(commands, "schema", "JSON Schema of a recipe with all installed plugins, for editors")
    schema.add_argument("--out", metavar="FILE", help="write it there (default: print it)")
    completion = _add(commands, "completion", "a script that completes commands, options and recipe names")
    completion.add_argument("shell", choices=["bash", "zsh", "fish"], help="the shell that will read it")
    completion.set_defaults(parser=whole)


def _recipe_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", help="a file, or the name of a bundled recipe")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a value, as model.lr=1e-3; repeatable"
    )
    parser.add_argument("--synthetic", action="store_true", help="on a synthetic stand-in: no licence, no download")


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def _group(commands: Any, name: str, text: str) -> Any:
    parser = _parser(commands.add_parser, name, text)
    return parser.add_subparsers(metavar="COMMAND", required=True, prog=f"mezoo {name}")


def _add(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser = _parser(commands.add_parser, name, text)
    parser.set_defaults(command=FUNCTIONS.get(name, name.replace(" ", "_")))
    return parser


def _parser(make: Callable[..., argparse.ArgumentParser], name: str, text: str) -> argparse.ArgumentParser:
    from rich_argparse import RawDescriptionRichHelpFormatter

    first = () if not name else (name.rsplit(" ", 1)[-1],)
    kind: dict[str, Any] = {"help": text} if name else {"prog": "mezoo"}
    return make(
        *first,
        description=text[0].upper() + text[1:] + ("" if text.endswith(".") else "."),
        epilog=f"example: {EXAMPLES[name]}",
        formatter_class=RawDescriptionRichHelpFormatter,
        allow_abbrev=False,
        **kind,
    )
