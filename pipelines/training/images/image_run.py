"""Training of codebook and image generator: from a dataset version to a finished run in a store."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from pipelines.training.checkpoints import TensorGroups
from pipelines.training.images.codebook_training import CODES
from pipelines.training.images.generator_training import SLOW
from pipelines.training.images.replicas import Replicas, share_count
from pipelines.training.images.sample_pictures import sample_grid, samples_png
from pipelines.training.images.trainees import Trainee, new_trainee
from pipelines.training.images.version_frames import VersionFrames
from pipelines.training.loop import TrainingLoop, adamw
from pipelines.training.loss_curves import curves_png
from pipelines.training.run_folder import RunFolder
from pipelines.training.run_journal import OnProgress, RunJournal
from pipelines.training.sitting import Sitting, train_run
from pipelines.training.trainings import RunOptions, TrainedRun
from storage_schemas.image_runs import SAMPLES_FILE, ImageRunCard, ImageRunConfig, ImageTrainingSpec
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import CARD_FILE, CURVES_FILE, STATISTICS_FILE, WEIGHTS_FILE, TrainingState


def train_images(
    store: ObjectStore,
    source: VersionFrames,
    config: ImageRunConfig,
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
    on_progress: OnProgress | None = None,
    fabric: Fabric | None = None,
    *,
    vgg19: str = "",
) -> TrainedRun[ImageRunCard]:
    """Train a run to its end, go on with one that was stopped, or find that it is finished.

    Args:
        store: where runs are.
        source: what is trained on; `config` was made for it.
        config: what is trained.
        options: how.
        on_progress: (steps done, steps planned, note).
        fabric: of a launched process; None: one process.
        vgg19: file with the weights that `config.perceptual` names; empty: none.

    Raises:
        BadInputError: the data, the codebook or the device are not there.
        StoreError: the store cannot be read or written.
        BuildFailedError: the training diverged.
    """

    def new_sitting(opened: Fabric, folder: RunFolder) -> _ImageSitting:
        trainee = new_trainee(opened, source, config, vgg19)
        journal = RunJournal(opened, folder, on_progress, trainee.stored_state)
        return _ImageSitting(opened, folder, config, journal, options.checkpoint_every, trainee, source)

    return train_run(store, config, ImageRunCard, options, new_sitting, fabric=fabric, threads=os.cpu_count() or 1)


class _Task:
    """The loop's task: batches of the trainee, and its figures as curves."""

    def __init__(self, trainee: Trainee, loop: TrainingLoop, on_samples: Callable[[list[Tensor], int], None]) -> None:
        self._trainee, self._loop, self._on_samples = trainee, loop, on_samples

    def batch(self, step: int, rank: int, world_size: int) -> object:
        return self._trainee.frames.batch(step, rank, world_size)

    def validate(self, network: nn.Module) -> float | None:
        error, figures, samples = self._trainee.judge(network)
        if not figures:
            return None
        for name, value in figures.items():
            self._loop.note(f"validation_{name}", value)
        self._on_samples(samples, self._loop.step)
        return error


class _ImageSitting(Sitting[ImageRunCard]):
    """One sitting of the training of codebook or image generator."""

    config: ImageRunConfig

    def __init__(
        self,
        fabric: Fabric,
        folder: RunFolder,
        config: ImageRunConfig,
        journal: RunJournal,
        checkpoint_every: int,
        trainee: Trainee,
        source: VersionFrames,
    ) -> None:
        super().__init__(fabric, folder, config, journal, checkpoint_every)
        self._trainee, self._source = trainee, source
        self._replicas = self._new_replicas()

    def restore(self, loop: TrainingLoop, state: TrainingState, groups: TensorGroups) -> None:
        loop.restore(state, {**groups, "model": self._trainee.whole_state(groups["model"])})

    def task(self, loop: TrainingLoop) -> _Task:
        return _Task(self._trainee, loop, self._on_samples)

    def close(self) -> None:
        self._trainee.frames.close()
        if self._replicas is not None:
            self._replicas.close()
        super().close()

    def new_loop(self) -> TrainingLoop:
        spec, trainee = self.config.training, self._trainee
        optimiser = _optimiser(trainee.network, spec)
        companions = trainee.companions(optimiser)
        backward = None if self._replicas is None else self._replicas.backward
        loop = TrainingLoop(
            self.fabric, trainee.network, trainee.loss, optimiser, self.settings, self.journal.watcher(), companions, backward=backward
        )
        trainee.attach(loop.average)
        return loop

    def _new_replicas(self) -> Replicas | None:
        """Divide the threads of a processor among shares of a batch, where nothing but the networks' gradients is wanted of a step."""
        spec = self.config.training
        count = share_count(self.threads, spec.batch_frames)
        if self.fabric.device.type != "cpu" or self.fabric.world_size > 1 or spec.adversarial_share or count == 1:
            return None
        torch.set_num_threads(self.threads // count)
        return Replicas(self.fabric, self._trainee.loss, count)

    def _on_samples(self, samples: list[Tensor], step: int) -> None:
        if self.journal.events is not None and samples:
            self.journal.events.add_image("samples: " + ", ".join(self._trainee.columns), sample_grid(samples), step, dataformats="HWC")

    def write_results(self, loop: TrainingLoop) -> None:
        folder, trainee = self.folder, self._trainee
        kept = loop.average.tensors() if self.config.training.keep == "last" or not loop.best else loop.best
        kept_step = loop.step if kept is not loop.best else loop.best_step
        network = trainee.network.eval()
        network.load_state_dict({**network.state_dict(), **kept})
        _, figures, samples = trainee.judge(network)
        if trainee.statistics is not None:
            folder.write_tensors(STATISTICS_FILE, trainee.statistics)
        if samples:
            folder.store.write_bytes(f"{folder.path}/{SAMPLES_FILE}", samples_png(samples, trainee.columns))
        title = f"{folder.name} on {self._source.dataset}"
        folder.store.write_bytes(f"{folder.path}/{CURVES_FILE}", curves_png(title, _drawn(loop.curves), "mean over steps"))
        sha256 = folder.write_tensors(WEIGHTS_FILE, trainee.stored_state(network.state_dict()))
        folder.write_record(CARD_FILE, self._card(loop, kept_step, sha256, figures))

    def _card(self, loop: TrainingLoop, kept_step: int, weights_sha256: str, figures: dict[str, float]) -> ImageRunCard:
        trainee = self._trainee
        return ImageRunCard(
            dataset=self._source.dataset,
            face_model=self._source.face_model,
            codebook=self.config.codebook,
            parents=[*self._source.parents, *trainee.parents],
            parameters=sum(parameter.numel() for parameter in trainee.network.parameters() if parameter.requires_grad),
            perceptual=trainee.perceptual,
            adversarial=trainee.adversarial,
            kept_step=kept_step,
            validation=figures or None,
            weights_sha256=weights_sha256,
            **self.card_fields(loop, self._source.tables),
        )


def _optimiser(network: nn.Module, spec: ImageTrainingSpec) -> torch.optim.AdamW:
    """Return AdamW of what is trained; codes, warping network and blending have rates of their own, and codes no weight decay."""
    trainable = {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}
    codes = trainable.pop(CODES, None)
    slow = [trainable.pop(name) for name in list(trainable) if name.startswith(SLOW)]
    optimiser = adamw(trainable.items(), spec.weight_decay, fused=True)
    if codes is not None:
        optimiser.add_param_group({"params": [codes], "weight_decay": 0.0, "rate_factor": spec.codes_rate_factor})
    if slow:
        optimiser.add_param_group({"params": slow, "weight_decay": 0.0, "rate_factor": spec.warp_rate_factor})
    return optimiser


def _drawn(curves: dict[str, list[tuple[int, float]]]) -> dict[str, list[tuple[int, float]]]:
    """Return the curves that share an axis: losses, not decibels and counts."""
    others = ("_db", "_share", "perplexity", "adaptive_weight", "adversarial")
    return {name: points for name, points in curves.items() if not name.endswith(others)}
