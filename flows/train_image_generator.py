"""The flow `train_image_generator`: a dataset version in, a trained texture codebook or image generator out.

Input: a dataset version with coefficients, and for the generator a codebook's run. Output: a run (weights, card, curves, samples) in the
same store. Schedule: by hand; a run that is finished is not trained again, one that was stopped goes on. Cost: the tiny preset about three
minutes of two processor cores each, the others an hour or days of a GPU. Locally: ``flowvqtalker train codebook --help``. Elsewhere: set
``FLOWVQTALKER_GPU_DEPLOYMENT`` to a deployment of this flow on a work pool, see `infra.gpu_dispatch`.
"""

from __future__ import annotations

from prefect import flow

from pipelines.training.coefficient_training import RunOptions
from pipelines.training.images.image_run import TrainedImageRun
from storage_schemas.image_runs import ImageTrainingSpec
from storage_schemas.training_runs import RunKind
from tasks.build_marking import marked_as_running
from tasks.image_training import ImageTrainingJob, train_on_images


@flow(name="train_image_generator", flow_run_name="train {kind}", persist_result=False, validate_parameters=True)
def train_image_generator(
    kind: RunKind,
    spec: ImageTrainingSpec,
    dataset: str,
    store: str,
    codebook: str = "latest",
    vgg19: str = "",
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> TrainedImageRun:
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
        return train_on_images(ImageTrainingJob(kind, spec, dataset, store, codebook, vgg19, options))
