"""Evaluating from the command line or a program: environment, a Prefect API, then the flow `evaluate`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import yaml
from pydantic import ValidationError

from infra.local_prefect import prefect_api, quiet_prefect_environment
from infra.object_store import open_store
from infra.settings import Settings
from storage_schemas.errors import BadInputError
from storage_schemas.evaluation import EvaluationReport, EvaluationRequest


def run_evaluation(request: EvaluationRequest, on_progress: Callable[[int, int, str], None] | None = None) -> tuple[EvaluationReport, str]:
    """Run the flow `evaluate` in this process.

    Args:
        request: what is evaluated against what.
        on_progress: (videos done, videos, note).

    Returns:
        The report, and the address of its leaderboard.

    Raises:
        BadInputError: there is nothing to evaluate, or a file of weights does not fit.
        StoreError: something is damaged, or the leaderboard cannot be written.
    """
    settings = Settings()
    quiet_prefect_environment(settings.home)
    with open_store(request.store or settings.store, settings) as store:  # before a server is started for nothing
        store.check_writable()
    with prefect_api(settings.home):
        from flows.evaluate import evaluate  # noqa: PLC0415 - Prefect reads its environment when imported
        from pipelines.video_evaluation.leaderboard import leaderboard_folder  # noqa: PLC0415 - torch takes seconds to import
        from tasks.progress import listening  # noqa: PLC0415

        with listening(on_progress):
            report: EvaluationReport = evaluate(request)
    return report, f"{(request.store or settings.store).rstrip('/')}/{leaderboard_folder(report)}"


def read_request(spec: Path) -> EvaluationRequest:
    """Return what a YAML file asks for; relative paths in it are relative to the working folder.

    Raises:
        BadInputError: it cannot be read, or has a field that there is not.
    """
    try:
        values = yaml.safe_load(spec.read_text(encoding="utf-8"))
        return EvaluationRequest.model_validate(values)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInputError(f"{spec}: cannot be read as YAML ({error})") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BadInputError(f"{spec}: {place}: {first['msg']}; fields are {', '.join(EvaluationRequest.model_fields)}") from error
