"""Where curves and results go: a CSV always, wandb when it works, Lightning's loggers that a recipe names."""

from mezoo.tracking.epoch_csv import EpochCsv
from mezoo.tracking.lightning_loggers import named_loggers
from mezoo.tracking.summary_run import log_summary
from mezoo.tracking.wandb_runs import WandbRun, WandbTracker, choose_mode

__all__ = ["EpochCsv", "WandbRun", "WandbTracker", "choose_mode", "log_summary", "named_loggers"]
