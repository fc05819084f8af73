"""Scores of tables: truth and predictions as CSV, by whomever they were made."""

from mezoo.scoring.recognition import score_recognition
from mezoo.scoring.spotting import score_spotting
from mezoo.scoring.strs import score_strs
from mezoo.scoring.tables import Options

__all__ = ["Options", "score_recognition", "score_spotting", "score_strs"]
