"""The flow `train_judge`: a dataset version in, a trained lip-sync expert or emotion judge out.

Input: a dataset version; the sync expert needs clips with sound, the emotion judge labels. Output: a run (weights, card, curves) in the
same store. Schedule: by hand; a run that is finished is not trained again, one that was stopped goes on. Cost: the tiny preset about a
minute of two processor cores each, the others an hour or a day of a GPU. Locally: ``flowvqtalker train sync --help``. Elsewhere: a
deployment of this flow of the name that ``FLOWVQTALKER_GPU_DEPLOYMENT`` has after its slash, see `infra.gpu_dispatch`.
"""

from __future__ import annotations

from prefect import flow

from pipelines.training.asked_trainings import JudgeTraining
from pipelines.training.trainings import RunOptions, TrainedRun
from storage_schemas.judge_runs import JudgeRunCard, JudgeTrainingSpec
from storage_schemas.training_runs import RunKind
from tasks.build_marking import marked_as_running
from tasks.training import TrainingJob, train_one_judge


@flow(name="train_judge", flow_run_name="train {kind}", persist_result=False, validate_parameters=True)
def train_judge(
    kind: RunKind,
    spec: JudgeTrainingSpec,
    dataset: str,
    store: str,
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> TrainedRun[JudgeRunCard]:
    """Train one judge.

    Args:
        kind: sync or emotion.
        spec: of the training.
        dataset: version id, beginning of one, or tag.
        store: folder or s3://bucket/prefix with the version; the run goes there.
        options: how it is carried out; decides nothing about the weights but rounding.

    Raises:
        BadInputError: there is no such version, it has no clips to train on, or the device is not there.
        StoreError: the store cannot be read or written.
        BuildFailedError: the training diverged.
    """
    with marked_as_running(store, f"training of {kind.value}"):
        return train_one_judge(TrainingJob(JudgeTraining(kind, spec, dataset), store, options))
