"""The flow `train_image_generator`: a dataset version in, a trained texture codebook or image generator out.

Input: a dataset version with coefficients, and for the generator a codebook's run. Output: a run (weights, card, curves, samples) in the
same store. Schedule: by hand; a run that is finished is not trained again, one that was stopped goes on. Cost: the tiny preset about three
minutes of two processor cores each, the others an hour or days of a GPU. Locally: ``flowvqtalker train codebook --help``. Elsewhere: a
deployment of this flow of the name that ``FLOWVQTALKER_GPU_DEPLOYMENT`` has after its slash, see `infra.gpu_dispatch`.
"""

from __future__ import annotations

from prefect import flow

from pipelines.training.asked_trainings import ImageTraining
from pipelines.training.trainings import RunOptions, TrainedRun
from storage_schemas.image_runs import ImageRunCard, ImageTrainingSpec
from storage_schemas.training_runs import RunKind
from tasks.build_marking import marked_as_running
from tasks.training import TrainingJob, train_on_images


@flow(name="train_image_generator", flow_run_name="train {kind}", persist_result=False, validate_parameters=True)
def train_image_generator(
    kind: RunKind,
    spec: ImageTrainingSpec,
    dataset: str,
    store: str,
    codebook: str = "latest",
    vgg19: str = "",
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> TrainedRun[ImageRunCard]:
    """Train one network.

    Args:
        kind: codebook or vqig.
        spec: of the training.
        dataset: version id, beginning of one, or tag.
        store: folder or s3://bucket/prefix with the version; the run goes there.
        codebook: run id, beginning of one, or latest; only the generator needs one.
        vgg19: file with torchvision's vgg19 weights; empty: none.
        options: how it is carried out; decides nothing about the weights but rounding.

    Raises:
        BadInputError: there is no such version or codebook, the version has no coefficients, or the device is not there.
        StoreError: the store cannot be read or written.
        BuildFailedError: the training diverged.
    """
    with marked_as_running(store, f"training of {kind.value}"):
        return train_on_images(TrainingJob(ImageTraining(kind, spec, dataset, codebook, vgg19), store, options))
