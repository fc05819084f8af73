"""What a run is going to cost, before it is begun: data, features, model, time, memory, disk. Keeps nothing."""

from mezoo.costs.reckoning import Costs, estimate

__all__ = ["Costs", "estimate"]
