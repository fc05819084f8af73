"""How far a predicted apex is from the annotated one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class ApexScores:
    """Apex spotting rate with the ends of the expression left out and included, and mean absolute error."""

    asr_open: float
    asr_closed: float
    mae: float
    """Frames."""
    mae_ms: float | None
    """Milliseconds, None where no frame rate was given: frames of two cameras cannot be compared."""


def apex_scores(predicted: ArrayLike, truth: ArrayLike, fps: ArrayLike | None = None) -> ApexScores:
    """Scores of one apex a clip: (n,) frames against (n, 3) onset, apex, offset; `fps` of all or of each clip.

    Spotted means onset < apex < offset, or with the ends (Liong et al. 2015). ValueError without clips.
    """
    apex = np.asarray(predicted, dtype=np.float64).reshape(-1)
    onset, true_apex, offset = np.asarray(truth, dtype=np.float64).reshape(-1, 3).T
    if not len(apex) or len(apex) != len(onset):
        raise ValueError(f"{len(apex)} predictions for {len(onset)} clips")
    error = np.abs(apex - true_apex)
    return ApexScores(
        asr_open=float(((onset < apex) & (apex < offset)).mean()),
        asr_closed=float(((onset <= apex) & (apex <= offset)).mean()),
        mae=float(error.mean()),
        mae_ms=None if fps is None else float((error / np.asarray(fps, dtype=np.float64)).mean() * 1000),
    )
