"""Commands about runs as evidence: pack one as a claim, verify a claim, say where two runs part."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mezoo.tables_out import print_json

if TYPE_CHECKING:
    from mezoo.claims import Reason, Verdict
    from mezoo.diff import Layer

Arguments = argparse.Namespace


def submit(arguments: Arguments) -> int:
    """Pack a run as a claim; 1 where its own files contradict each other."""
    from mezoo.claims import pack

    _of_one_method(Path(arguments.run))
    out = Path(arguments.out)
    packed = pack(Path(arguments.run), diagnostic=arguments.diagnostic, hash_truth=arguments.hash_truth)
    if not packed.verdict.holds:
        print(f"{arguments.run} would not be verified, so nothing was written:")
        _print_reasons(packed.verdict.reasons)
        return 1
    packed.write(out)
    _print_verdict(packed.verdict)
    print(f"{out}: {len(packed.members)} files, {out.stat().st_size / 1024:.0f} KB; mezoo verify {out}")
    if packed.manifest.withheld:
        print("annotation: its hash only; whoever verifies the claim needs the same data (--truth)")
    else:
        print("annotation: INSIDE (subjects, and the intervals or classes of the dataset's own labels).")
        print("  If the dataset's licence does not let you pass these on, use --hash-truth.")
    print("also inside: the command as you typed it, the recipe, names and versions of installed packages")
    return 0


def verify(arguments: Arguments) -> int:
    """Compute every number of a claim again; 0 it holds, 1 it is refused."""
    from mezoo.claims import verify as judge

    verdict = judge(Path(arguments.claim), Path(arguments.truth) if arguments.truth else None)
    if arguments.json:
        print_json(_as_json(verdict))
    elif verdict.holds:
        _print_verdict(verdict)
        print(f"verified: {arguments.claim}")
    else:
        print(f"REFUSED: {arguments.claim}")
        _print_reasons(verdict.reasons)
    return 0 if verdict.holds else 1


def _of_one_method(run: Path) -> None:
    """Raise RunError for a joint run: its parts are packed and compared, and its STRS is scored from its tables."""
    from mezoo.errors import RunError
    from mezoo.files import read_object

    try:
        task = read_object(run / "result.json").get("task")
    except (OSError, ValueError):
        return
    if task == "strs":
        raise RunError(
            f"{run} joins a spotter and a recogniser, which is no claim of one method",
            hint=f"take {run / 'spotter'} or {run / 'recognizer'}; mezoo score --task strs scores its own tables",
        )


def _as_json(verdict: "Verdict") -> dict[str, Any]:
    claim = verdict.claim
    reasons = [{"check": r.check, "what": r.what} for r in verdict.reasons]
    if claim is None or not verdict.holds:
        return {"verified": False, "reasons": reasons}
    keys = ("id", "digest", "split", "epoch", "seed")
    return {
        "verified": True,
        "reasons": [],
        "run": claim.result.run,
        "task": claim.result.task,
        "headline": claim.headline,
        "marks": verdict.marks,
        "protocol": {key: claim.result.protocol.get(key) for key in keys},
        "scores": claim.result.scores,
        "recomputed": [claim.recipe.protocol.epoch],
        "truth": claim.truth,
        "mezoo": claim.result.mezoo,
    }


def _print_verdict(verdict: "Verdict") -> None:
    claim = verdict.claim
    assert claim is not None
    head, protocol = claim.result.headline, claim.result.protocol
    low, high = head.ci95
    marks = "".join(f" [{mark}]" for mark in verdict.marks)
    others = [rule for rule in claim.result.scores if rule != head.epoch_rule]
    print(_plain(f"{claim.result.run}{marks}"))
    print(_plain(f"{head.metric} ({head.epoch_rule}): {head.value:.3f}  [{low:.3f}, {high:.3f}]{marks}"))
    print(_plain(f"protocol: {protocol['id']} ({protocol['digest']}), seed {protocol['seed']}"))
    print(f"computed again from the predictions: {head.epoch_rule}; pooled again from counts: {', '.join(others)}")
    print(f"annotation: {claim.truth[:12]} (equal for claims that were scored on the same)")


def _print_reasons(reasons: "tuple[Reason, ...]") -> None:
    for reason in reasons[:50]:
        print(_plain(f"  {reason.check}: {reason.what}"))
    if len(reasons) > 50:
        print(f"  and {len(reasons) - 50} more")


def _plain(text: str) -> str:
    """What a stranger wrote, without what could steer a terminal."""
    cut = text if len(text) <= 600 else f"{text[:600]} ..."
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)


_SHOWN = 5
"""Differing items of a layer that are printed; --json has all of them."""


def diff(arguments: Arguments) -> int:
    """Layer by layer where two runs differ; 0 all layers are equal, 1 one differs or cannot be compared."""
    from mezoo.diff import diff as compare
    from mezoo.diff import first, open_run

    for path in (arguments.a, arguments.b):
        _of_one_method(Path(path))
    runs = open_run(Path(arguments.a)), open_run(Path(arguments.b))
    layers = compare(*runs)
    found = first(layers)
    if arguments.json:
        print_json({"first": found.name if found else None, "layers": [_layer(x) for x in layers]})
    else:
        _print_layers(arguments, layers)
    return 0 if all(layer.state == "equal" for layer in layers) else 1


def _layer(layer: "Layer") -> dict[str, Any]:
    items = [{"item": i.name, "a": i.a, "b": i.b} for i in layer.items]
    return {"layer": layer.name, "state": layer.state, "reason": layer.reason, "differing": items}


def _print_layers(arguments: Arguments, layers: "list[Layer]") -> None:
    from mezoo.diff import first
    from mezoo.tables_out import print_table

    rows: list[list[str]] = []
    for layer in layers:
        said = {"equal": "", "differs": f"{len(layer.items)} differ", "unknown": layer.reason}[layer.state]
        state = "cannot be compared" if layer.state == "unknown" else layer.state
        rows.append([layer.name, state, _plain(said), "", ""])
        rows += [["", "", _plain(i.name), *map(_brief, i.parting())] for i in layer.items[:_SHOWN]]
        if len(layer.items) > _SHOWN:
            rows.append(["", "", f"and {len(layer.items) - _SHOWN} more (--json)", "", ""])
    print_table(f"A {arguments.a}   B {arguments.b}", ["layer", "", "what", "A", "B"], rows)
    found = first(layers)
    unknown = [layer.name for layer in layers if layer.state == "unknown"]
    text = f"first difference: {found.name}" if found else "no layer differs"
    print(text + (f"; not compared: {', '.join(unknown)}" if unknown else ""))


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return _plain(text if len(text) <= 60 else f"{text[:57]}...")
