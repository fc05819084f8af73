#!/bin/bash
# A run on a SLURM cluster: features once, then every fold as a task of an array, then the pooled result.
#   benchmarks/slurm/submit.sh recipes/mesnet_samm.yaml [--set KEY=VALUE ...] [--synthetic]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
count=$(mezoo fit "$@" --folds | wc -l)
run=runs/$(mezoo show "$@" | sed -n '1s/^# //p')
printf -v extract '%q ' mezoo extract "$@"
printf -v gather '%q ' mezoo gather "$run"

features=$(sbatch --parsable --job-name=mezoo-features --cpus-per-task=8 --mem=32G --wrap="$extract")
folds=$(sbatch --parsable --dependency="afterok:$features" --array="0-$((count - 1))%${MEZOO_AT_ONCE:-16}" \
    "$here/mezoo.sbatch" "$@")
# After any end: what failed is named in the report, and submitting again trains only that.
sbatch --dependency="afterany:$folds" --job-name=mezoo-gather --mem=8G --wrap="$gather"
echo "$count folds, then $run/report.html"
