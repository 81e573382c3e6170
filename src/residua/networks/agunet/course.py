"""Follow the course of a training: epochs done, the best epoch, and the end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Course:
    """Course of a training: epochs done, the best validation loss and its epoch, and the learning curve."""

    epoch: int = 0
    best_loss: float = float("inf")
    best_epoch: int = -1
    curve: tuple[dict[str, float], ...] = field(default=())

    def after(self, train_loss: float, validation_loss: float) -> Course:
        """Return the course after one more epoch; the first of equal losses stays the best."""
        record = {"epoch": self.epoch, "train_loss": train_loss, "validation_loss": validation_loss}
        done = replace(self, epoch=self.epoch + 1, curve=(*self.curve, record))
        improved = validation_loss < self.best_loss
        return replace(done, best_loss=validation_loss, best_epoch=self.epoch) if improved else done

    @property
    def improved(self) -> bool:
        """Whether the last epoch was the best."""
        return self.best_epoch == self.epoch - 1

    def ended(self, epochs: int, patience_epochs: int) -> bool:
        """Return whether the training is over: all epochs are done, or too many since the best."""
        return self.epoch >= epochs or self.epoch - 1 - self.best_epoch >= patience_epochs
