"""What a fit minimises, as a function of the networks' outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """What a step is taken on: for each member of a stack as many samples."""

    coordinates: Tensor
    """(members, targets * points, in), float32; the points of a target follow one another."""
    targets: Tensor
    """(members, targets, out), float32."""
    points: int = 1
    """Points per target: a target is the mean of the outputs at so many points."""

    def part(self, begin: int, end: int) -> Batch:
        """Return the targets from `begin` to before `end`, with their points."""
        return Batch(
            self.coordinates[:, begin * self.points : end * self.points],
            self.targets[:, begin:end],
            self.points,
        )

    def spread(self, offsets: Tensor) -> Batch:
        """Return the same with points around each target instead of one.

        A member's `offsets` (members, points, in) are added to the coordinates of all its targets.
        """
        coordinates = self.coordinates[:, :, None] + offsets[:, None]
        return Batch(coordinates.flatten(1, 2), self.targets, offsets.shape[1])


class Objective(Protocol):
    """A loss with its own derivative, so that engines need no graph to train it.

    It is a mean over the targets of a batch, so that the parts of a batch add up by their shares.
    """

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return each member's loss (members,) for outputs (members, targets * points, out)."""

    def derivative(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the derivative of a member's loss by its outputs, of the outputs' shape."""


class MeanSquaredError:
    """Mean over targets and channels of the squared difference from the mean over the points."""

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the mean squared errors (members,)."""
        return self._difference(outputs, batch).square().mean(dim=(1, 2))

    def derivative(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return 2 (mean of outputs - target) / (targets * channels * points), for each point."""
        _, targets, channels = batch.targets.shape
        difference = self._difference(outputs, batch)
        share = difference.mul_(2.0 / (targets * channels * batch.points))
        return share if batch.points == 1 else share.repeat_interleave(batch.points, dim=1)

    @staticmethod
    def _difference(outputs: Tensor, batch: Batch) -> Tensor:
        if batch.points > 1:
            outputs = outputs.reshape(*batch.targets.shape[:2], batch.points, -1).mean(dim=2)
        return outputs - batch.targets
