"""Training of ExpFlow and PoseFlow: from a source of sequences to a finished run in a store."""

from __future__ import annotations

import logging

import torch
from lightning.fabric import Fabric
from torch import nn

from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow
from pipelines.training.checkpoints import read_last_checkpoint
from pipelines.training.coefficient_data import CoefficientData, mean_nll
from pipelines.training.coefficient_loss import CoefficientLoss, encode, target_values
from pipelines.training.coefficient_sequences import SequenceSource
from pipelines.training.devices import device_name
from pipelines.training.loop import TrainingLoop, adamw
from pipelines.training.loss_curves import curves_png
from pipelines.training.provenance import code_version, software_versions
from pipelines.training.run_folder import RunFolder, run_id_of
from pipelines.training.run_journal import OnProgress, RunJournal, loop_figures, loop_settings
from pipelines.training.run_settings import network_config
from pipelines.training.trainings import RunOptions, TrainedRun, default_threads, finished_run, new_fabric
from pipelines.training.window_batches import TrainingWindows, WindowBatch
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import (
    BLINKS_FILE,
    CARD_FILE,
    CONFIG_FILE,
    CURVES_FILE,
    LATENTS_FILE,
    STATISTICS_FILE,
    WEIGHTS_FILE,
    RunCard,
    RunConfig,
)

_LOG = logging.getLogger(__name__)
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
    folder = RunFolder(store, config.kind, run_id_of(config))
    fabric = fabric or new_fabric(options, config.training)
    if options.fresh and fabric.is_global_zero:
        folder.remove()
    fabric.barrier()
    finished = finished_run(store, config, RunCard)
    if finished is not None:
        return finished
    torch.set_num_threads(options.threads or default_threads())
    run = _Run(fabric, folder, source, config, options, on_progress)
    try:
        return run.train()
    finally:
        run.close()


class _Batches:
    """The loop's task: each process takes its rows of the same global batch."""

    def __init__(self, windows: TrainingWindows, validation: list[WindowBatch], device: torch.device) -> None:
        self._windows, self._validation, self._device = windows, validation, device

    def batch(self, step: int, rank: int, world_size: int) -> WindowBatch:
        return self._windows.batch(step).select(slice(rank, None, world_size))

    def validate(self, network: nn.Module) -> float | None:
        assert isinstance(network, CoefficientFlow)  # noqa: S101 - the loop hands back what it was given
        return mean_nll(network.eval(), self._validation, self._device) if self._validation else None


class _Run:
    """One sitting of a training."""

    def __init__(
        self,
        fabric: Fabric,
        folder: RunFolder,
        source: SequenceSource,
        config: RunConfig,
        options: RunOptions,
        on_progress: OnProgress | None,
    ) -> None:
        self._fabric, self._folder, self._source, self._config, self._options = fabric, folder, source, config, options
        self._journal = RunJournal(fabric, folder, on_progress)
        if fabric.is_global_zero:
            folder.write_record(CONFIG_FILE, config)
        self._data = CoefficientData(folder.store, source, config.kind, config.training)
        self._flow = self._new_flow()
        self._windows = self._data.training_windows(self._flow)
        self._validation = self._data.validation_batches(self._flow)

    def train(self) -> TrainedRun[RunCard]:
        """Go on from the last checkpoint, or begin, and finish."""
        checkpoint = read_last_checkpoint(self._folder.store, self._folder.path)
        self._fabric.barrier()
        if checkpoint is None:
            self._initialise()
        loop = self._new_loop()
        if checkpoint is not None:
            loop.restore(*checkpoint)
            _LOG.info("%s goes on from step %d", self._folder.name, loop.step)
        resumed = loop.step
        self._journal.open(resumed)
        loop.run(_Batches(self._windows, self._validation, self._fabric.device))
        loop.checkpoint()
        if self._fabric.is_global_zero:
            self._write_results(loop)
        self._fabric.barrier()
        card = self._folder.read_card(RunCard)
        assert card is not None  # noqa: S101 - written by the first process, which the barrier waited for
        return TrainedRun(card, was_finished=False, resumed_step=resumed, curves=loop.curves)

    def close(self) -> None:
        """Let go of threads and files."""
        self._windows.close()
        self._journal.close()

    def _new_flow(self) -> CoefficientFlow:
        torch.manual_seed(self._config.training.seed)
        flow = CoefficientFlow(network_config(self._config))
        units = self._data.statistics
        mel = (torch.from_numpy(units.mel_center), torch.from_numpy(units.mel_scale)) if flow.config.has_audio else (None, None)
        flow.set_normalisation(torch.from_numpy(units.center), torch.from_numpy(units.scale), *mel)
        if flow.config.linear_past:
            flow.set_linear_past(torch.from_numpy(self._data.linear_past(flow.config.past_frames)))
        return flow.to(self._fabric.device)

    @torch.no_grad()
    def _initialise(self) -> None:
        """Set the actnorms from the first batch, the whole of it on every process."""
        batch = self._windows.batch(0).to(self._fabric.device)
        context = encode(self._flow.eval(), batch)
        seen = batch.usable.flatten()
        self._flow.initialise_actnorm(target_values(self._flow, batch).flatten(0, 1)[seen], context.select(seen))
        self._flow.train()

    def _new_loop(self) -> TrainingLoop:
        spec = self._config.training
        optimiser = adamw(self._flow.named_parameters(), spec.weight_decay, _UNDECAYED)
        settings, watcher = loop_settings(spec, self._options.checkpoint_every), self._journal.watcher()
        return TrainingLoop(self._fabric, self._flow, CoefficientLoss(self._flow, spec), optimiser, settings, watcher)

    def _write_results(self, loop: TrainingLoop) -> None:
        spec, folder, device = self._config.training, self._folder, self._fabric.device
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
        tables = self._data.tables
        return RunCard(
            run_id=self._folder.run_id,
            kind=self._config.kind,
            dataset=self._source.dataset,
            face_model=self._source.face_model,
            parents=list(self._source.parents),
            config=self._config,
            code_version=code_version(self._config.kind),
            software=software_versions(self._config.kind),
            device=device_name(self._fabric.device),
            threads=torch.get_num_threads(),
            parameters=sum(parameter.numel() for parameter in self._flow.parameters()),
            clips={split: len(table) for split, table in tables.items()},
            frames={split: int(table.frames.sum()) for split, table in tables.items()},
            kept_step=kept_step,
            validation=self._validated(),
            weights_sha256=weights_sha256,
            **loop_figures(loop, self._config.training),
        )

    def _validated(self) -> dict[str, float] | None:
        if not self._validation:
            return None
        device = self._fabric.device
        nll = mean_nll(self._flow, self._validation, device)
        return {
            "nll_per_dimension": nll,
            "raw_nll_per_dimension": nll + float(self._flow.scale.log().mean()),
            "nll_per_dimension_without_past": mean_nll(self._flow, self._validation, device, with_past=False),
            "frames": float(sum(int(batch.usable.sum()) for batch in self._validation)),
        }
