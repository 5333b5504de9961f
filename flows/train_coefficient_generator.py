"""The flow `train_coefficient_generator`: a dataset version in, a trained ExpFlow or PoseFlow out.

Input: a dataset version with coefficients. Output: a run (weights, card, curves) in the same store. Schedule: by hand; a run that is
finished is not trained again, one that was stopped goes on. Cost: the tiny preset about two minutes of two processor cores, the others an
hour or hours of a GPU. Locally: ``flowvqtalker train --help``. Elsewhere: a deployment of this flow of the name that
``FLOWVQTALKER_GPU_DEPLOYMENT`` has after its slash, see `infra.gpu_dispatch`.
"""

from __future__ import annotations

from prefect import flow

from pipelines.training.asked_trainings import CoefficientTraining
from pipelines.training.trainings import RunOptions, TrainedRun
from storage_schemas.training_runs import RunCard, RunKind, TrainingSpec
from tasks.build_marking import marked_as_running
from tasks.training import TrainingJob, train


@flow(name="train_coefficient_generator", flow_run_name="train {kind}", persist_result=False, validate_parameters=True)
def train_coefficient_generator(
    kind: RunKind,
    spec: TrainingSpec,
    dataset: str,
    store: str,
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> TrainedRun[RunCard]:
    """Train one network.

    Args:
        kind: expflow or poseflow.
        spec: of the training.
        dataset: version id, beginning of one, or tag.
        store: folder or s3://bucket/prefix with the version; the run goes there.
        options: how it is carried out; decides nothing about the weights but rounding.

    Raises:
        BadInputError: there is no such version, it has no coefficients, or the device is not there.
        StoreError: the store cannot be read or written.
        BuildFailedError: the training diverged.
    """
    with marked_as_running(store, f"training of {kind.value}"):
        return train(TrainingJob(CoefficientTraining(kind, spec, dataset), store, options))
