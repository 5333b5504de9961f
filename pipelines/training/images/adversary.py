"""The discriminator's side of a training: its own steps, beside those of the network that it judges."""

from __future__ import annotations

import torch
from lightning.fabric import Fabric
from torch import Tensor

from pipelines.models.image_codebook.adversarial import AdversarialKind, discriminator_loss
from pipelines.models.image_codebook.discriminator import PatchDiscriminator
from pipelines.training.checkpoints import TensorGroups, optimiser_tensors, restore_optimiser

_MODEL, _OPTIMISER = "discriminator", "discriminator_optimiser"


class Adversary:
    """A discriminator that takes part in the last share of the steps. A companion of the loop.

    Args:
        fabric: launched.
        discriminator: on the CPU.
        learning_rate: of AdamW.
        share: last share of the steps.
        kind: of its loss.
    """

    def __init__(
        self, fabric: Fabric, discriminator: PatchDiscriminator, learning_rate: float, share: float, kind: AdversarialKind
    ) -> None:
        self._fabric, self._share, self._kind = fabric, share, kind
        self.discriminator = discriminator.to(fabric.device)
        self._plain_optimiser = torch.optim.AdamW(discriminator.parameters(), lr=learning_rate, betas=(0.5, 0.9), weight_decay=0.0)
        self._module, self._optimiser = fabric.setup(discriminator, self._plain_optimiser)
        self._shown: tuple[Tensor, Tensor] | None = None
        self.active = False
        self.discriminator.requires_grad_(requires_grad=False)

    def before_step(self, step: int, planned_steps: int) -> None:
        """Take part or not."""
        self.active = step >= (1 - self._share) * planned_steps

    def show(self, made: Tensor, targets: Tensor) -> None:
        """Remember the pictures of this step."""
        self._shown = (made.detach(), targets)

    def after_step(self, step: int) -> dict[str, Tensor]:  # noqa: ARG002 - the interface
        """Learn from the pictures of this step."""
        if not self.active or self._shown is None:
            return {}
        made, targets = self._shown
        self.discriminator.requires_grad_()
        loss = discriminator_loss(self._module(targets), self._module(made), self._kind)
        self._fabric.backward(loss)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        self.discriminator.requires_grad_(requires_grad=False)
        self._shown = None
        return {"discriminator": loss.detach()}

    def tensors(self) -> TensorGroups:
        """Return weights and moments."""
        return {_MODEL: dict(self.discriminator.state_dict()), _OPTIMISER: optimiser_tensors(self._plain_optimiser, self.discriminator)}

    def restore(self, groups: TensorGroups) -> None:
        """Take weights and moments."""
        self.discriminator.load_state_dict(groups[_MODEL])
        restore_optimiser(self._plain_optimiser, self.discriminator, groups[_OPTIMISER])
