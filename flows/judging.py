"""Training judges from the command line: environment, a Prefect API, then the flow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from infra.local_prefect import prefect_api, quiet_prefect_environment
from infra.object_store import open_store
from infra.settings import Settings
from infra.store_format import check_store_format
from storage_schemas.errors import BuildFailedError
from storage_schemas.judge_runs import JudgeRunConfig, JudgeTrainingSpec
from storage_schemas.training_runs import RunKind

if TYPE_CHECKING:
    from pipelines.training.judges.judge_run import TrainedJudge


def run_judge_training(
    kind: RunKind,
    spec: JudgeTrainingSpec,
    *,
    dataset: str,
    store: str,
    options: dict[str, Any],
    on_progress: Callable[[int, int, str], None] | None = None,
) -> TrainedJudge:
    """Run the flow `train_judge` in this process, or where `gpu_deployment` says, and return what came of it.

    Args:
        kind: sync or emotion.
        spec: of the training.
        dataset: version id, beginning of one, or tag.
        store: where the version is and the run goes.
        options: fields of `RunOptions`.
        on_progress: (steps done, steps planned, note).

    Raises:
        BadInputError: there is no such version, it has no clips to train on, or the device is not there.
        StoreError: the store cannot be read or written.
        BuildFailedError: the training diverged.
    """
    settings = Settings()
    quiet_prefect_environment(settings.home)
    from pipelines.judging.clip_media import VersionMedia  # noqa: PLC0415 - torch takes seconds to import
    from pipelines.training.coefficient_training import RunOptions  # noqa: PLC0415
    from pipelines.training.judges.judge_run import finished_judge, judge_fabric  # noqa: PLC0415
    from pipelines.training.judges.judge_settings import judge_config  # noqa: PLC0415

    chosen = RunOptions(**options)
    with open_store(store, settings) as opened:  # before a server is started for nothing
        check_store_format(opened)
        config = judge_config(kind, VersionMedia(opened, dataset).dataset, spec)
        finished = None if chosen.fresh else finished_judge(opened, config)
        if finished is not None:
            return finished
        opened.check_writable()
    if settings.gpu_deployment:
        return _trained_elsewhere(settings, config, store, asdict(chosen))
    judge_fabric(chosen, spec)
    with prefect_api(settings.home):
        from flows.train_judge import train_judge  # noqa: PLC0415 - reads its environment when imported
        from tasks.progress import listening  # noqa: PLC0415

        with listening(on_progress):
            trained: TrainedJudge = train_judge(kind, spec, dataset, store, chosen)
    return trained


def _trained_elsewhere(settings: Settings, config: JudgeRunConfig, store: str, options: dict[str, Any]) -> TrainedJudge:
    """Have the flow run on the work pool with GPUs, wait for it, and return what it left in the store."""
    from infra.gpu_dispatch import run_on_work_pool  # noqa: PLC0415 - Prefect takes a second to import
    from pipelines.training.judges.judge_run import finished_judge  # noqa: PLC0415

    deployment = f"train_judge/{settings.gpu_deployment.rpartition('/')[2]}"
    spec = config.training.model_dump(mode="json")
    parameters = {"kind": config.kind.value, "spec": spec, "dataset": config.dataset, "store": store, "options": options}
    run_on_work_pool(deployment, parameters, {"config": config.model_dump(mode="json"), "store": store})
    with open_store(store, settings) as opened:
        finished = finished_judge(opened, config)
    if finished is None:
        raise BuildFailedError(f"the flow run on {deployment} is done, but {store} has no finished run of it")
    return finished
