"""The contract checks, for authors of plugins: as plain functions, as `pytest --mezoo NAME`, as `mezoo plugins check`.

`DATASET_CHECKS`, `FEATURE_CHECKS` and `MODEL_CHECKS` are functions of a case that return what they saw and raise
ContractError. `check_plugin(NAME)` makes the case of an installed plugin, from a recipe that uses it, and runs all;
`contract(NAME)` is the same as a test.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mezoo.testing.by_name import Case as Case
    from mezoo.testing.by_name import case_of as case_of
    from mezoo.testing.by_name import check_plugin as check_plugin
    from mezoo.testing.by_name import checks_of as checks_of
    from mezoo.testing.by_name import named as named
    from mezoo.testing.by_name import run as run
    from mezoo.testing.cases import DatasetCase as DatasetCase
    from mezoo.testing.cases import FeatureCase as FeatureCase
    from mezoo.testing.cases import ModelCase as ModelCase
    from mezoo.testing.contract import contract as contract
    from mezoo.testing.dataset_checks import DATASET_CHECKS as DATASET_CHECKS
    from mezoo.testing.feature_checks import FEATURE_CHECKS as FEATURE_CHECKS
    from mezoo.testing.model_checks import MODEL_CHECKS as MODEL_CHECKS
    from mezoo.testing.model_checks import QUICK_MODEL_CHECKS as QUICK_MODEL_CHECKS
    from mezoo.testing.no_network import offline as offline
    from mezoo.testing.outcome import Check as Check
    from mezoo.testing.outcome import ContractError as ContractError
    from mezoo.testing.outcome import NotMade as NotMade
    from mezoo.testing.outcome import Outcome as Outcome
    from mezoo.testing.outcome import outcomes as outcomes
    from mezoo.testing.planted import noise_clips as noise_clips

# Resolved when asked for: every pytest where mezoo is installed loads this package for the sake of one option.
_HOMES = {
    "by_name": ("Case", "case_of", "check_plugin", "checks_of", "named", "run"),
    "cases": ("DatasetCase", "FeatureCase", "ModelCase"),
    "contract": ("contract",),
    "dataset_checks": ("DATASET_CHECKS",),
    "feature_checks": ("FEATURE_CHECKS",),
    "model_checks": ("MODEL_CHECKS", "QUICK_MODEL_CHECKS"),
    "no_network": ("offline",),
    "outcome": ("Check", "ContractError", "NotMade", "Outcome", "outcomes"),
    "planted": ("noise_clips",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

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
    "contract",
    "named",
    "noise_clips",
    "offline",
    "outcomes",
    "run",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mezoo.testing' has no attribute {name!r}; it offers {', '.join(__all__)}")
    value = getattr(import_module(f"mezoo.testing.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value
