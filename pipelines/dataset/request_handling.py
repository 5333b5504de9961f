"""Which code of an isolated process handles which kind of request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipelines.dataset import recording_processing
from pipelines.dataset.coefficient_fitting import fit_recording
from pipelines.dataset.landmark_sums import sum_landmarks
from storage_schemas.processing_request import FitRequest, SumRequest


def handle_request(request: dict[str, Any], on_progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle one JSON request of `isolated_main`.

    Args:
        request: fields of ProcessingRequest, or of a request that names its `kind`.
        on_progress: called now and then with the seconds of media handled.

    Raises:
        StoreError: what is read is damaged, or the output folder cannot be written.
        BadInputError: a model cannot be used.
    """
    match request.get("kind"):
        case "fit":
            return fit_recording(FitRequest.model_validate(request), on_progress).model_dump()
        case "sum":
            return sum_landmarks(SumRequest.model_validate(request), on_progress).model_dump()
        case _:
            return recording_processing.handle_request(request, on_progress)
