"""Training of ExpFlow and PoseFlow: from a source of sequences to a finished run in a store."""

from __future__ import annotations

import torch
from lightning.fabric import Fabric
from torch import nn

from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow
from pipelines.training.coefficient_data import CoefficientData, mean_nll
from pipelines.training.coefficient_loss import CoefficientLoss, encode, target_values
from pipelines.training.coefficient_sequences import SequenceSource
from pipelines.training.loop import TrainingLoop, adamw
from pipelines.training.loss_curves import curves_png
from pipelines.training.run_folder import RunFolder
from pipelines.training.run_journal import OnProgress, RunJournal
from pipelines.training.run_settings import network_config
from pipelines.training.sitting import Sitting, train_run
from pipelines.training.trainings import RunOptions, TrainedRun, default_threads
from pipelines.training.window_batches import TrainingWindows, WindowBatch
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import (
    BLINKS_FILE,
    CARD_FILE,
    CURVES_FILE,
    LATENTS_FILE,
    STATISTICS_FILE,
    WEIGHTS_FILE,
    RunCard,
    RunConfig,
)

_UNDECAYED = ("linears.", "actnorm.")


def train_coefficients(
    store: ObjectStore,
    source: SequenceSource,
    config: RunConfig,
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
    on_progress: OnProgress | None = None,
    fabric: Fabric | None = None,
) -> TrainedRun[RunCard]:
    """Train a run to its end, go on with one that was stopped, or find that it is finished.

    Args:
        store: where runs are.
        source: what is trained on; `config` was made for it.
        config: what is trained.
        options: how.
        on_progress: (steps done, steps planned, note).
        fabric: of a launched process; None: one process.

    Raises:
        BadInputError: the data or the device are not there.
        StoreError: the store cannot be read or written.
        BuildFailedError: the training diverged.
    """

    def new_sitting(opened: Fabric, folder: RunFolder) -> _CoefficientSitting:
        journal = RunJournal(opened, folder, on_progress)
        return _CoefficientSitting(opened, folder, config, journal, options.checkpoint_every, source)

    return train_run(store, config, RunCard, options, new_sitting, fabric=fabric, threads=default_threads())


class _Batches:
    """The loop's task: each process takes its rows of the same global batch."""

    def __init__(self, windows: TrainingWindows, validation: list[WindowBatch], device: torch.device) -> None:
        self._windows, self._validation, self._device = windows, validation, device

    def batch(self, step: int, rank: int, world_size: int) -> WindowBatch:
        return self._windows.batch(step).select(slice(rank, None, world_size))

    def validate(self, network: nn.Module) -> float | None:
        assert isinstance(network, CoefficientFlow)  # noqa: S101 - the loop hands back what it was given
        return mean_nll(network.eval(), self._validation, self._device) if self._validation else None


class _CoefficientSitting(Sitting[RunCard]):
    """One sitting of the training of ExpFlow or PoseFlow."""

    config: RunConfig

    def __init__(
        self, fabric: Fabric, folder: RunFolder, config: RunConfig, journal: RunJournal, checkpoint_every: int, source: SequenceSource
    ) -> None:
        super().__init__(fabric, folder, config, journal, checkpoint_every)
        self._source = source
        self._data = CoefficientData(folder.store, source, config.kind, config.training)
        self._flow = self._new_flow()
        self._windows = self._data.training_windows(self._flow)
        self._validation = self._data.validation_batches(self._flow)

    def task(self, loop: TrainingLoop) -> _Batches:  # noqa: ARG002 - other trainings note figures in it
        return _Batches(self._windows, self._validation, self.fabric.device)

    def close(self) -> None:
        self._windows.close()
        super().close()

    def _new_flow(self) -> CoefficientFlow:
        torch.manual_seed(self.config.training.seed)
        flow = CoefficientFlow(network_config(self.config))
        units = self._data.statistics
        mel = (torch.from_numpy(units.mel_center), torch.from_numpy(units.mel_scale)) if flow.config.has_audio else (None, None)
        flow.set_normalisation(torch.from_numpy(units.center), torch.from_numpy(units.scale), *mel)
        if flow.config.linear_past:
            flow.set_linear_past(torch.from_numpy(self._data.linear_past(flow.config.past_frames)))
        return flow.to(self.fabric.device)

    @torch.no_grad()
    def begin(self) -> None:
        """Set the actnorms from the first batch, the whole of it on every process."""
        batch = self._windows.batch(0).to(self.fabric.device)
        context = encode(self._flow.eval(), batch)
        seen = batch.usable.flatten()
        self._flow.initialise_actnorm(target_values(self._flow, batch).flatten(0, 1)[seen], context.select(seen))
        self._flow.train()

    def new_loop(self) -> TrainingLoop:
        spec = self.config.training
        optimiser = adamw(self._flow.named_parameters(), spec.weight_decay, _UNDECAYED)
        return TrainingLoop(self.fabric, self._flow, CoefficientLoss(self._flow, spec), optimiser, self.settings, self.journal.watcher())

    def write_results(self, loop: TrainingLoop) -> None:
        spec, folder, device = self.config.training, self.folder, self.fabric.device
        kept = loop.average.tensors() if spec.keep == "last" or not loop.best else loop.best
        kept_step = loop.step if kept is not loop.best else loop.best_step
        flow = self._flow.eval()
        flow.load_state_dict({**flow.state_dict(), **kept})
        statistics = {name: torch.from_numpy(array) for name, array in self._data.statistics.as_arrays().items()}
        folder.write_tensors(STATISTICS_FILE, statistics)
        folder.write_tensors(LATENTS_FILE, self._data.latents(flow, device))
        if self._data.blinks is not None:
            folder.write_json(BLINKS_FILE, self._data.blinks.as_json())
        title = f"{folder.name} on {self._source.dataset}"
        folder.store.write_bytes(f"{folder.path}/{CURVES_FILE}", curves_png(title, loop.curves))
        sha256 = folder.write_tensors(WEIGHTS_FILE, flow.state_dict())
        folder.write_record(CARD_FILE, self._card(loop, kept_step, sha256))

    def _card(self, loop: TrainingLoop, kept_step: int, weights_sha256: str) -> RunCard:
        return RunCard(
            dataset=self._source.dataset,
            face_model=self._source.face_model,
            parents=list(self._source.parents),
            parameters=sum(parameter.numel() for parameter in self._flow.parameters()),
            kept_step=kept_step,
            validation=self._validated(),
            weights_sha256=weights_sha256,
            **self.card_fields(loop, self._data.tables),
        )

    def _validated(self) -> dict[str, float] | None:
        if not self._validation:
            return None
        device = self.fabric.device
        nll = mean_nll(self._flow, self._validation, device)
        return {
            "nll_per_dimension": nll,
            "raw_nll_per_dimension": nll + float(self._flow.scale.log().mean()),
            "nll_per_dimension_without_past": mean_nll(self._flow, self._validation, device, with_past=False),
            "frames": float(sum(int(batch.usable.sum()) for batch in self._validation)),
        }
