"""The flow `train_network`: any of the trainings, asked for in a form.

Input: a dataset version, and for the image generator a codebook. Output: a run in the same store, as of the flow of that network, which
this one calls. Schedule: by hand; a run that is finished is not trained again, one that was stopped goes on. Cost: as of
`train_coefficient_generator`, `train_image_generator` and `train_judge`. Locally: ``flowvqtalker train --help``.
"""

from __future__ import annotations

from typing import Any

import yaml
from prefect import flow
from pydantic import ValidationError

from flows.run_names import named
from flows.training import training_flow
from infra.settings import Settings
from pipelines.training.asked_trainings import asked_training
from pipelines.training.trainings import RunOptions
from storage_schemas.errors import BadInputError
from storage_schemas.run_forms import TrainRequest


@flow(name="train_network", flow_run_name=named("train {network} on {dataset}"), persist_result=False, validate_parameters=True)
def train_network(request: TrainRequest) -> str:
    """Train one network.

    Args:
        request: which, on what, how long.

    Returns:
        The run, for example expflow/3f2a4b5c6d7e8f90.

    Raises:
        BadInputError: there is no such version or codebook, a setting is wrong, or the device is not there.
        StoreError: the store cannot be read or written.
        BuildFailedError: the training diverged.
    """
    try:
        return f"{request.network.value}/{_trained(request, _changes(request))}"
    except ValidationError as error:
        raise BadInputError(f"the training has {error.error_count()} wrong setting(s): {error}") from error


def _trained(request: TrainRequest, changes: dict[str, Any]) -> str:
    """Call the flow of the network and return the id of its run."""
    training = asked_training(request.network, request.preset, changes, request.dataset, codebook=request.codebook, vgg19=request.vgg19)
    options = RunOptions(device=request.device.value)
    trained = training_flow(training.kind)(**training.parameters(), store=request.store or Settings().store, options=options)
    run_id: str = trained.card.run_id
    return run_id


def _changes(request: TrainRequest) -> dict[str, Any]:
    """Return the fields of the specification that were asked for."""
    try:
        more = yaml.safe_load(request.more) or {}
    except yaml.YAMLError as error:
        raise BadInputError(f"further settings: expected YAML such as 'batch_windows: 16', found {request.more!r}: {error}") from error
    if not isinstance(more, dict):
        raise BadInputError(f"further settings: expected YAML such as 'batch_windows: 16', found {request.more!r}")
    steps = {"steps": request.steps} if request.steps else {}
    return {"seed": request.seed, "max_minutes": request.max_minutes, **steps, **more}
