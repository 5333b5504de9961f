"""What is particular to training the codebook: its loss, the care of its codes, and how good it is."""

from __future__ import annotations

from collections.abc import Callable

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from pipelines.models.image_codebook.codebook import ImageCodebook
from pipelines.models.image_codebook.losses import CodebookLossWeights, codebook_loss
from pipelines.models.image_codebook.perceptual import PerceptualDistance
from pipelines.models.image_codebook.pictures import from_bytes
from pipelines.models.image_codebook.quantiser import Quantiser, code_counts, perplexity, used_share
from pipelines.training.averaged_weights import AveragedWeights
from pipelines.training.checkpoints import TensorGroups
from pipelines.training.images.adversary import Adversary
from pipelines.training.images.face_regions import emphasis
from pipelines.training.images.frame_batches import FrameBatch
from pipelines.training.images.picture_figures import PictureErrors
from pipelines.training.loop import LOSS
from pipelines.training.window_plan import generator
from storage_schemas.image_runs import ImageTrainingSpec

CODES = "quantiser.codes"
_CARE_SEED = 13


class CodebookLoss(nn.Module):
    """A batch becomes its losses.

    Args:
        codebook: that is trained.
        spec: of the training.
        perceptual: distance of equation 14.
        adversary: None: there is none.
    """

    def __init__(
        self, codebook: ImageCodebook, spec: ImageTrainingSpec, perceptual: PerceptualDistance, adversary: Adversary | None
    ) -> None:
        super().__init__()
        self.codebook, self.perceptual = codebook, perceptual
        self._spec, self._adversary = spec, adversary
        self.quantise = False
        self.seen: tuple[Tensor, Tensor] | None = None

    def forward(self, batch: FrameBatch) -> dict[str, Tensor]:
        """Return scalars; "loss" is what is minimised. Leaves latents and indices in `seen`."""
        targets = from_bytes(batch.pictures)
        made = self.codebook(targets, quantise=self.quantise)
        weights = emphasis(batch.boxes, targets.shape[-1], self._spec.region_weight)
        adversary = self._adversary if self._adversary is not None and self._adversary.active else None
        judged = None if adversary is None else (adversary.discriminator, self.codebook)
        losses = codebook_loss(made, targets, self.perceptual, CodebookLossWeights(), emphasis=weights, adversary=judged)
        total = losses.total
        if made.quantised is None:
            total = total + 0.0 * self.codebook.quantiser.codes.sum()  # every parameter has a gradient, as several processes want it
        else:
            self.seen = (made.latents.detach(), made.quantised.indices)
        if adversary is not None:
            adversary.show(made.pictures, targets)
        return {LOSS: total, **losses.terms}

    def follow(self, leader: CodebookLoss) -> None:
        """Quantise as another one does."""
        self.quantise = leader.quantise

    def gather(self, shares: list[CodebookLoss]) -> None:
        """Remember the latents and indices of several as one's own."""
        seen = [share.seen for share in shares if share.seen is not None]
        for share in shares:
            share.seen = None
        self.seen = (torch.cat([latents for latents, _ in seen]), torch.cat([indices for _, indices in seen])) if seen else None


class CodebookCare:
    """Starts the codes at cluster centres, notes their use and moves unused ones. A companion of the loop.

    Args:
        fabric: launched.
        loss: whose codebook it is.
        optimiser: whose moments of moved codes are forgotten.
        spec: of the training.
        pictures: returns some pictures (count, size, size, 3) uint8 of a step, the same on every process.
    """

    def __init__(
        self,
        fabric: Fabric,
        loss: CodebookLoss,
        optimiser: torch.optim.Optimizer,
        spec: ImageTrainingSpec,
        pictures: Callable[[int], Tensor],
    ) -> None:
        self._fabric, self._loss, self._optimiser, self._spec, self._pictures = fabric, loss, optimiser, spec, pictures
        self.average: AveragedWeights | None = None
        self._planned_steps = spec.steps

    @property
    def _quantiser(self) -> Quantiser:
        return self._loss.codebook.quantiser

    def before_step(self, step: int, planned_steps: int) -> None:
        """Start the codes when it is time."""
        self._planned_steps = planned_steps
        if step == self._spec.unquantised_steps:
            pictures = from_bytes(self._pictures(step).to(self._fabric.device))
            with torch.no_grad():
                latents = torch.cat([self._loss.codebook.encoder(some) for some in torch.split(pictures, self._spec.batch_frames)])
            self._quantiser.initialise(latents, _generator(self._spec.seed, step))
            self._forget(torch.ones(len(self._quantiser.codes), dtype=torch.bool, device=latents.device))
        self._loss.quantise = step >= self._spec.unquantised_steps

    def after_step(self, step: int) -> dict[str, Tensor]:
        """Note which codes were used; now and then move those that are not."""
        if self._loss.seen is None:
            return {}
        latents, indices = (self._gathered(tensor) for tensor in self._loss.seen)
        self._loss.seen = None
        self._quantiser.note_use(indices)
        if step % self._spec.revive_every == 0 and step < self._spec.revive_share * self._planned_steps:
            self._forget(self._quantiser.revive(latents.float(), _generator(self._spec.seed, step)))
        counts = code_counts(indices, len(self._quantiser.codes))
        return {"perplexity": torch.tensor(perplexity(counts), device=indices.device)}

    def tensors(self) -> TensorGroups:
        """Return nothing: all is in the network."""
        return {}

    def restore(self, groups: TensorGroups) -> None:
        """Do nothing."""

    def _gathered(self, tensor: Tensor) -> Tensor:
        if self._fabric.world_size == 1:
            return tensor
        every: Tensor = self._fabric.all_gather(tensor)  # type: ignore[assignment]
        return every.flatten(0, 1)

    @torch.no_grad()
    def _forget(self, moved: Tensor) -> None:
        codes = self._quantiser.codes
        for name, value in self._optimiser.state.get(codes, {}).items():
            if name != "step":
                value[moved] = 0
        if self.average is not None:
            self.average.overwrite(CODES, moved, codes)


@torch.no_grad()
def codebook_figures(
    codebook: ImageCodebook, batches: list[FrameBatch], device: torch.device
) -> tuple[float, dict[str, float], list[Tensor]]:
    """Return mean squared error, figures, and rows of pictures (asked for, made) of frames that were not trained on."""
    errors, counts, samples = PictureErrors(), torch.zeros(len(codebook.quantiser.codes), dtype=torch.int64), []
    for batch in batches:
        moved = batch.to(device)
        targets = from_bytes(moved.pictures)
        made = codebook(targets)
        errors.add(made.pictures, targets, moved.boxes)
        counts += code_counts(made.quantised.indices, len(counts)).cpu()
        samples.append(torch.stack([targets[0], made.pictures[0].float()]).cpu())
    figures = {**errors.figures(), "used_codes_share": round(used_share(counts), 4), "perplexity": round(perplexity(counts), 2)}
    return errors.mean_square, figures, samples


def _generator(seed: int, step: int) -> torch.Generator:
    return torch.Generator().manual_seed(int(generator(seed, step, _CARE_SEED).integers(2**62)))
