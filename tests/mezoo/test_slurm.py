"""The SLURM example: its bodies run under a stand-in for sbatch that does each job at once."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SLURM = ROOT / "benchmarks" / "slurm"
SBATCH = """#!/bin/bash
# Runs a job here and now, each task of an array after the other; prints a job's number.
set -euo pipefail
echo "$@" >> "$SUBMITTED"
array='' wrap=''
while [[ $1 == --* ]]; do
    case $1 in
        --array=*) array=${1#--array=} ;;
        --wrap=*) wrap=${1#--wrap=} ;;
    esac
    shift
    [[ $# -gt 0 ]] || break
done
if [[ -n $wrap ]]; then bash -c "$wrap" >&2
elif [[ -n $array ]]; then
    last=${array#0-}
    for ((i = 0; i <= ${last%%%*}; i++)); do SLURM_ARRAY_TASK_ID=$i bash "$@" >&2; done
fi
echo 4711
"""


@pytest.fixture
def machine(tmp_path, cache):
    """An environment in which `mezoo` and `sbatch` are commands."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in (("mezoo", f'#!/bin/bash\nexec "{sys.executable}" -m mezoo.cli "$@"\n'), ("sbatch", SBATCH)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = [str(ROOT / "tests/guest"), str(ROOT), str(ROOT / "plugins"), *map(os.path.abspath, before)]
    return {
        **os.environ,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(paths),
        "SUBMITTED": str(tmp_path / "submitted.txt"),
    }


def bash(*arguments, **more) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", *map(str, arguments)], capture_output=True, text=True, check=False, **more)


@pytest.mark.parametrize("file", sorted([*SLURM.glob("*.sh"), *SLURM.glob("*.sbatch")]), ids=lambda p: p.name)
def test_scripts_are_bash_and_can_be_run(file):
    assert bash("-n", file).returncode == 0
    assert file.stat().st_mode & stat.S_IXUSR


def test_submitted_folds_are_trained_and_gathered(machine, tmp_path):
    small = ["--synthetic", "--set", "trainer.max_epochs=2", "--set", "dataset.limit=4"]
    done = bash(SLURM / "submit.sh", "toy", *small, cwd=tmp_path, env=machine)
    assert done.returncode == 0, done.stderr
    (run,) = tmp_path.glob("runs/toy-*")
    result = json.loads((run / "result.json").read_text())
    assert (result["status"], len(result["subjects"])) == ("complete", 2)
    features, folds, gather = (tmp_path / "submitted.txt").read_text().splitlines()
    assert "mezoo extract toy --synthetic" in features
    assert "--dependency=afterok:4711 --array=0-1%16" in folds
    assert "--dependency=afterany:4711" in gather
    assert f"runs/{run.name}/report.html" in done.stdout


def test_a_job_that_is_no_array_says_so(machine, tmp_path):
    done = bash(SLURM / "mezoo.sbatch", "toy", "--synthetic", cwd=tmp_path, env=machine)
    assert done.returncode != 0
    assert "sbatch --array=0-3" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_names_of_folds_come_without_torch(mezoo, cache, tmp_path):
    code, out, _ = mezoo("fit", "toy", "--synthetic", "--runs", tmp_path, "--folds")
    assert (code, out.split()) == (0, ["00", "01", "02", "03"])
    assert not [*tmp_path.glob("toy-*")]
    program = (
        "import sys; from mezoo.cli import main; main(['fit', 'toy', '--synthetic', '--folds'])\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "tests/guest"), str(ROOT), str(ROOT / "plugins")]),
        },
    )
    assert done.returncode == 0, done.stderr


def test_a_fold_that_ends_while_a_run_is_gathered_is_in_all_of_the_result_or_in_nothing(
    mezoo, cache, tmp_path, monkeypatch
):
    import mezoo.run as line

    assert mezoo("fit", "toy", "--synthetic", "--runs", tmp_path)[0] == 0
    (run,) = tmp_path.glob("toy-*")
    whole = (run / "predictions.csv").read_text()
    state = run / "folds" / "03" / "fold.json"
    done, running = state.read_text(), json.dumps({"state": "running"})

    def between(first, second):
        """Gather, while the fold goes from one state to another between tables and result."""

        def write(*given):
            write_tables(*given)
            state.write_text(second)

        write_tables = line.write_tables
        with monkeypatch.context() as patch:
            patch.setattr(line, "write_tables", write)
            state.write_text(first)
            code = mezoo("gather", run)[0]
        return code, json.loads((run / "result.json").read_text())["status"], (run / "predictions.csv").read_text()

    assert between(done, running) == (0, "complete", whole)
    code, status, rows = between(running, done)
    assert (code, status) == (1, "partial")
    assert rows == "".join(line for line in whole.splitlines(True) if not line.startswith("03,") and ",03," not in line)
