"""The flow `evaluate`: a method's videos and the true clips in, a table with the ground truth beside it out.

Input: a folder of videos, and a dataset version or a folder of true videos. Output: a report, and a row of the leaderboard in the store.
Schedule: by hand; the same call gives the same bytes. Cost: some tens of frames a second on each processor. Locally:
``flowvqtalker evaluate --help``, or with everything in one YAML file, ``flowvqtalker evaluate evaluation.yaml``.
"""

from __future__ import annotations

from prefect import flow

from storage_schemas.evaluation import EvaluationReport, EvaluationRequest
from tasks.evaluation import evaluate_and_rank


@flow(name="evaluate", flow_run_name="evaluate {request.generated}", persist_result=False, validate_parameters=True)
def evaluate(request: EvaluationRequest) -> EvaluationReport:
    """Evaluate a method's videos.

    Args:
        request: what is evaluated against what.

    Raises:
        BadInputError: there is nothing to evaluate, or a file of weights does not fit.
        StoreError: something is damaged, or the leaderboard cannot be written.
    """
    return evaluate_and_rank(request)
