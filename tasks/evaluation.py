"""The Prefect task that evaluates a method's videos, and the artifact with its table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.settings import Settings
from pipelines.video_evaluation.evaluation import evaluate_videos
from pipelines.video_evaluation.leaderboard import add_to_leaderboard, leaderboard_table
from pipelines.video_evaluation.leaderboard_tables import markdown
from storage_schemas.evaluation import EvaluationReport, EvaluationRequest
from tasks.progress import RunProgress


@task(name="evaluate videos", cache_policy=NO_CACHE, persist_result=False)
def evaluate_and_rank(request: EvaluationRequest) -> EvaluationReport:
    """Evaluate a method and write its row of the leaderboard.

    Raises:
        BadInputError: there is nothing to evaluate, or a file of weights does not fit.
        StoreError: something is damaged, or the leaderboard cannot be written.
    """
    progress = RunProgress("evaluation", 1, "videos measured")
    with _opened(request.store) as store:
        report = evaluate_videos(request, store, store.scratch_folder(), progress.reach)
        add_to_leaderboard(store, report)
    create_markdown_artifact(markdown(leaderboard_table([report])), key="evaluation", description=f"{report.method}, {report.pairs} pairs")
    return report


@contextmanager
def _opened(uri: str) -> Iterator[ManagedStore]:
    settings = Settings()
    with open_store(uri or settings.store, settings) as store:
        yield store
