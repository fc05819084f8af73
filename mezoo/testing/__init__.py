"""The contract checks, for authors of plugins: as plain functions, as `pytest --mezoo NAME`, as `mezoo plugins check`.

`DATASET_CHECKS`, `FEATURE_CHECKS` and `MODEL_CHECKS` are functions of a case that return what they saw and raise
ContractError. `check_plugin(NAME)` makes the case of an installed plugin, from a recipe that uses it, and runs all.
"""

from mezoo.testing.by_name import Case, case_of, check_plugin, checks_of, named, run
from mezoo.testing.cases import DatasetCase, FeatureCase, ModelCase
from mezoo.testing.dataset_checks import DATASET_CHECKS
from mezoo.testing.feature_checks import FEATURE_CHECKS
from mezoo.testing.model_checks import MODEL_CHECKS, QUICK_MODEL_CHECKS
from mezoo.testing.offline import offline
from mezoo.testing.outcome import Check, ContractError, NotMade, Outcome, outcomes
from mezoo.testing.planted import noise_clips

__all__ = [
    "DATASET_CHECKS",
    "FEATURE_CHECKS",
    "MODEL_CHECKS",
    "QUICK_MODEL_CHECKS",
    "Case",
    "Check",
    "ContractError",
    "DatasetCase",
    "FeatureCase",
    "ModelCase",
    "NotMade",
    "Outcome",
    "case_of",
    "check_plugin",
    "checks_of",
    "named",
    "noise_clips",
    "offline",
    "outcomes",
    "run",
]
