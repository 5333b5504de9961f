"""Training of a judge: from a dataset version to a finished run in a store."""

from __future__ import annotations

from lightning.fabric import Fabric
from torch import nn

from pipelines.judging.clip_media import VersionMedia
from pipelines.training.judges.trainees import JudgeTrainee, new_trainee
from pipelines.training.loop import TrainingLoop, adamw
from pipelines.training.loss_curves import curves_png
from pipelines.training.run_folder import RunFolder
from pipelines.training.run_journal import OnProgress, RunJournal
from pipelines.training.sitting import Sitting, train_run
from pipelines.training.trainings import RunOptions, TrainedRun, default_threads
from storage_schemas.judge_runs import JudgeRunCard, JudgeRunConfig
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import CARD_FILE, CURVES_FILE, WEIGHTS_FILE


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

    def new_sitting(opened: Fabric, folder: RunFolder) -> _JudgeSitting:
        trainee, journal = new_trainee(source, config, opened.device), RunJournal(opened, folder, on_progress)
        return _JudgeSitting(opened, folder, config, journal, options.checkpoint_every, trainee, source)

    return train_run(store, config, JudgeRunCard, options, new_sitting, fabric=fabric, threads=default_threads())


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


class _JudgeSitting(Sitting[JudgeRunCard]):
    """One sitting of the training of a judge."""

    config: JudgeRunConfig

    def __init__(
        self,
        fabric: Fabric,
        folder: RunFolder,
        config: JudgeRunConfig,
        journal: RunJournal,
        checkpoint_every: int,
        trainee: JudgeTrainee,
        source: VersionMedia,
    ) -> None:
        super().__init__(fabric, folder, config, journal, checkpoint_every)
        self._trainee, self._source = trainee, source

    def task(self, loop: TrainingLoop) -> _Task:
        return _Task(self._trainee, loop)

    def close(self) -> None:
        self._trainee.batches.close()
        super().close()

    def new_loop(self) -> TrainingLoop:
        spec, trainee = self.config.training, self._trainee
        optimiser = adamw(trainee.network.named_parameters(), spec.weight_decay, fused=True)
        return TrainingLoop(self.fabric, trainee.network, trainee.loss, optimiser, self.settings, self.journal.watcher())

    def write_results(self, loop: TrainingLoop) -> None:
        folder, network = self.folder, self._trainee.network.eval()
        network.load_state_dict({**network.state_dict(), **loop.average.tensors()})
        judged = self._trainee.judge(network)
        title = f"{folder.name} on {self._source.dataset}"
        folder.store.write_bytes(f"{folder.path}/{CURVES_FILE}", curves_png(title, _drawn(loop.curves), "nats, shares"))
        sha256 = folder.write_tensors(WEIGHTS_FILE, network.state_dict())
        folder.write_record(CARD_FILE, self._card(loop, sha256, None if judged is None else {"loss": round(judged[0], 6), **judged[1]}))

    def _card(self, loop: TrainingLoop, weights_sha256: str, validation: dict[str, float] | None) -> JudgeRunCard:
        trainee = self._trainee
        return JudgeRunCard(
            dataset=self._source.dataset,
            parents=list(self._source.parents),
            parameters=sum(parameter.numel() for parameter in trainee.network.parameters()),
            validation=validation,
            weights_sha256=weights_sha256,
            **self.card_fields(loop, trainee.tables),
        )


def _drawn(curves: dict[str, list[tuple[int, float]]]) -> dict[str, list[tuple[int, float]]]:
    """Return the curves that share an axis: not the number of clips."""
    return {name: points for name, points in curves.items() if not name.endswith("_clips")}
