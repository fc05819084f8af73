"""The command that asks whether a recipe's number is honest. Imports stand inside."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from mezoo.tables_out import print_json, print_table


def audit(arguments: argparse.Namespace) -> int:
    """Check split, features, fitted quantities and a control training; exit code 1 where a check fails."""
    from mezoo.audit import audit as run_audit
    from mezoo.joint_recipe import read_one
    from mezoo.plan import Options
    from mezoo.progress import make_progress
    from mezoo.store import default_root

    recipe = read_one(arguments.recipe, arguments.set, synthetic=arguments.synthetic)
    command = " ".join(["mezoo", *sys.argv[1:]])
    options = Options(Path(arguments.runs), default_root(), command)
    found = run_audit(recipe, options, make_progress(), train_control=not arguments.quick)
    if arguments.json:
        print_json([{**asdict(f), "verdict": f.verdict} for f in found])
    else:
        rows = [[f.check, f.verdict, f.found, f.expected, f.detail] for f in found]
        print_table(f"audit of {recipe.name}", ["check", "verdict", "found", "expected", "detail"], rows)
    failed = [f.check for f in found if f.passed is False]
    if failed and not arguments.json:
        print(f"{len(failed)} of {len(found)} checks fail: {', '.join(failed)}")
    return 1 if failed else 0
