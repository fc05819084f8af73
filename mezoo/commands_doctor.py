"""What `mezoo doctor` does. Imports stand inside, so that a command pays only for what it does."""

import argparse
from pathlib import Path

from mezoo.tables_out import print_json


def doctor(arguments: argparse.Namespace) -> int:
    """Look at this machine and print each finding as it is made; 1 if something is wrong."""
    from dataclasses import asdict

    from mezoo.doctor import examine
    from mezoo.progress import make_progress
    from mezoo.store import default_root

    findings = examine(default_root(), Path(arguments.runs), make_progress().bar)
    if arguments.json:
        found = [*findings]
        wrong = [f for f in found if f.state == "wrong"]
        print_json({"fine": not wrong, "findings": [asdict(f) for f in found]})
        return 1 if wrong else 0
    count = 0
    for finding in findings:
        mark = {"fine": "ok   ", "note": "note ", "wrong": "WRONG"}[finding.state]
        print(f"{mark}  {finding.topic}: {finding.what}", flush=True)
        if finding.hint:
            print(f"       -> {finding.hint}", flush=True)
        count += finding.state == "wrong"
    print("nothing is wrong" if not count else f"{count} {'thing is' if count == 1 else 'things are'} wrong")
    return 1 if count else 0
