"""Scores as pure functions over arrays. Counts are pooled over videos, clips and folds before any ratio is taken."""

from mezoo.metrics.recognition import Confusion, confusion
from mezoo.metrics.spotting import Counts, pooled, spotting_counts

__all__ = ["Confusion", "Counts", "confusion", "pooled", "spotting_counts"]
