"""Training of a judge: from a dataset version to a finished run in a store."""

from __future__ import annotations

import logging

import torch
from lightning.fabric import Fabric
from torch import nn

from pipelines.judging.clip_media import VersionMedia
from pipelines.training.checkpoints import read_last_checkpoint
from pipelines.training.devices import device_name
from pipelines.training.judges.trainees import JudgeTrainee, new_trainee
from pipelines.training.loop import TrainingLoop, adamw
from pipelines.training.loss_curves import curves_png
from pipelines.training.provenance import code_version, software_versions
from pipelines.training.run_folder import RunFolder, run_id_of
from pipelines.training.run_journal import OnProgress, RunJournal, loop_figures, loop_settings
from pipelines.training.trainings import RunOptions, TrainedRun, default_threads, finished_run, new_fabric
from storage_schemas.judge_runs import JudgeRunCard, JudgeRunConfig
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import CARD_FILE, CONFIG_FILE, CURVES_FILE, WEIGHTS_FILE

_LOG = logging.getLogger(__name__)


def train_judge(
    store: ObjectStore,
    source: VersionMedia,
    config: JudgeRunConfig,
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
    on_progress: OnProgress | None = None,
    fabric: Fabric | None = None,
) -> TrainedRun[JudgeRunCard]:
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
    finished = finished_run(store, config, JudgeRunCard)
    if finished is not None:
        return finished
    torch.set_num_threads(options.threads or default_threads())
    run = _Run(fabric, folder, new_trainee(source, config, fabric.device), source, config, options, on_progress)
    try:
        return run.train()
    finally:
        run.close()


class _Task:
    """The loop's task: batches of the trainee, and its figures as curves."""

    def __init__(self, trainee: JudgeTrainee, loop: TrainingLoop) -> None:
        self._trainee, self._loop = trainee, loop

    def batch(self, step: int, rank: int, world_size: int) -> object:
        return self._trainee.batches.batch(step, rank, world_size)

    def validate(self, network: nn.Module) -> float | None:
        # Averages are of parameters alone: the running statistics of normalisations are those of the network itself.
        network.load_state_dict({**self._trainee.network.state_dict(), **dict(network.named_parameters())})
        judged = self._trainee.judge(network)
        if judged is None:
            return None
        for name, value in judged[1].items():
            self._loop.note(f"validation_{name}", value)
        return judged[0]


class _Run:
    """One sitting of a training."""

    def __init__(
        self,
        fabric: Fabric,
        folder: RunFolder,
        trainee: JudgeTrainee,
        source: VersionMedia,
        config: JudgeRunConfig,
        options: RunOptions,
        on_progress: OnProgress | None,
    ) -> None:
        self._fabric, self._folder, self._trainee, self._source = fabric, folder, trainee, source
        self._config, self._options = config, options
        self._journal = RunJournal(fabric, folder, on_progress)
        if fabric.is_global_zero:
            folder.write_record(CONFIG_FILE, config)

    def train(self) -> TrainedRun[JudgeRunCard]:
        """Go on from the last checkpoint, or begin, and finish."""
        checkpoint = read_last_checkpoint(self._folder.store, self._folder.path)
        self._fabric.barrier()
        loop = self._new_loop()
        if checkpoint is not None:
            loop.restore(*checkpoint)
            _LOG.info("%s goes on from step %d", self._folder.name, loop.step)
        resumed = loop.step
        self._journal.open(resumed)
        loop.run(_Task(self._trainee, loop))
        loop.checkpoint()
        if self._fabric.is_global_zero:
            self._write_results(loop)
        self._fabric.barrier()
        card = self._folder.read_card(JudgeRunCard)
        assert card is not None  # noqa: S101 - written by the first process, which the barrier waited for
        return TrainedRun(card, was_finished=False, resumed_step=resumed, curves=loop.curves)

    def close(self) -> None:
        """Let go of threads and files."""
        self._trainee.batches.close()
        self._journal.close()

    def _new_loop(self) -> TrainingLoop:
        spec, trainee = self._config.training, self._trainee
        settings, watcher = loop_settings(spec, self._options.checkpoint_every), self._journal.watcher()
        optimiser = adamw(trainee.network.named_parameters(), spec.weight_decay, fused=True)
        return TrainingLoop(self._fabric, trainee.network, trainee.loss, optimiser, settings, watcher)

    def _write_results(self, loop: TrainingLoop) -> None:
        folder, network = self._folder, self._trainee.network.eval()
        network.load_state_dict({**network.state_dict(), **loop.average.tensors()})
        judged = self._trainee.judge(network)
        title = f"{folder.name} on {self._source.dataset}"
        folder.store.write_bytes(f"{folder.path}/{CURVES_FILE}", curves_png(title, _drawn(loop.curves), "nats, shares"))
        sha256 = folder.write_tensors(WEIGHTS_FILE, network.state_dict())
        folder.write_record(CARD_FILE, self._card(loop, sha256, None if judged is None else {"loss": round(judged[0], 6), **judged[1]}))

    def _card(self, loop: TrainingLoop, weights_sha256: str, validation: dict[str, float] | None) -> JudgeRunCard:
        trainee = self._trainee
        return JudgeRunCard(
            run_id=self._folder.run_id,
            kind=self._config.kind,
            dataset=self._source.dataset,
            parents=list(self._source.parents),
            config=self._config,
            code_version=code_version(self._config.kind),
            software=software_versions(self._config.kind),
            device=device_name(self._fabric.device),
            threads=torch.get_num_threads(),
            parameters=sum(parameter.numel() for parameter in trainee.network.parameters()),
            clips={split: len(table) for split, table in trainee.tables.items()},
            frames={split: int(table.frames.sum()) for split, table in trainee.tables.items()},
            validation=validation,
            weights_sha256=weights_sha256,
            **loop_figures(loop, self._config.training),
        )


def _drawn(curves: dict[str, list[tuple[int, float]]]) -> dict[str, list[tuple[int, float]]]:
    """Return the curves that share an axis: not the number of clips."""
    return {name: points for name, points in curves.items() if not name.endswith("_clips")}
