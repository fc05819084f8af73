"""Whether a model learns at all: what it hands to Lightning, held against its contract."""

from typing import Any

import lightning as L
from lightning.fabric.utilities.exceptions import MisconfigurationException
from torch import Tensor

from mezoo.errors import PluginError
from mezoo.promises import lost, refuse

LOSS = "the loss, a tensor of one number that depends on the parameters (or {'loss': it, ...})"
OPTIMIZER = "an optimizer of its parameters, such as torch.optim.Adam(self.parameters())"


class Learns(L.Callback):
    """Refuses a training from which nothing can be learned, which Lightning would let pass or tell in its own words.

    A step may give None, and is left out then; a model that has nothing to learn, or optimises by hand, is free.
    """

    def __init__(self) -> None:
        self._learned = False

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Raise PluginError for parameters without an optimizer: they would stay as they were drawn."""
        if _learner(pl_module) and not any(optimizer.param_groups for optimizer in trainer.optimizers):
            raise refuse(pl_module, "configure_optimizers", "no optimizer", OPTIMIZER)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Count anew."""
        del trainer, pl_module
        self._learned = False

    def on_before_backward(self, trainer: L.Trainer, pl_module: L.LightningModule, loss: Tensor) -> None:
        """Raise PluginError for a loss of several numbers, DataError for one that nothing can be learned from."""
        del trainer
        if not pl_module.automatic_optimization:
            return
        if loss.numel() != 1:
            raise refuse(pl_module, "training_step", f"a tensor of shape {(*loss.shape,)}", LOSS)
        if not loss.requires_grad:
            raise lost(pl_module, "training_step", "a tensor without a gradient", LOSS)
        self._learned = True

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Raise DataError for an epoch without a step that had a loss."""
        if _learner(pl_module) and not self._learned:
            gave = f"None in every step of epoch {trainer.current_epoch + 1}"
            raise lost(pl_module, "training_step", gave, LOSS)


def _learner(model: L.LightningModule) -> bool:
    return model.automatic_optimization and any(p.requires_grad for p in model.parameters())


def refused(model: Any, error: MisconfigurationException) -> PluginError | None:
    """The sentence for what Lightning refuses in a model, with the method that it names; None where it names none."""
    wanted = {"training_step": LOSS, "configure_optimizers": OPTIMIZER}
    method = next((name for name in wanted if name in str(error)), "")
    if not method:
        return None
    words = " ".join(str(error).split())
    return refuse(model, method, f"what Lightning refuses ({words[:160].rstrip(' .')})", wanted[method])
