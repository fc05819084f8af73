"""What `mezoo plan` does. Imports stand inside, so that a command pays only for what it does."""

import argparse
from pathlib import Path


def plan(arguments: argparse.Namespace) -> int:
    """Tell what a run is going to cost; 1 if its first fold cannot be trained. Writes no run folder."""
    from dataclasses import asdict
    from datetime import datetime

    from mezoo.costs import estimate
    from mezoo.costs.words import rows
    from mezoo.joint_recipe import read_one
    from mezoo.plan import Options
    from mezoo.plan import plan as plan_run
    from mezoo.progress import make_progress
    from mezoo.store import default_root
    from mezoo.tables_out import print_json, print_table

    recipe = read_one(arguments.recipe, arguments.set, synthetic=arguments.synthetic)
    executor, workers = recipe.executor.asked(None, arguments.workers)
    options = Options(Path(arguments.runs), default_root(), "", executor=executor, workers=workers)
    work = plan_run(recipe, options, make_progress())
    costs = estimate(work)
    if arguments.json:
        derived = {"seconds": costs.features.seconds, "bytes": costs.features.bytes}
        print_json({**asdict(costs), "features": {**asdict(costs.features), **derived}})
    else:
        mark = " [SYNTHETIC]" if costs.synthetic else ""
        print_table(f"{costs.run}{mark}", ["what", "how much", "how it is known"], rows(costs, datetime.now()))
    return 1 if costs.trial is None and not costs.features.missing else 0
