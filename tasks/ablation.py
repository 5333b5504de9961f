"""The Prefect tasks of an ablation study: one for each training, one that compares what was trained."""

from __future__ import annotations

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from infra.object_store import open_store
from infra.settings import Settings
from pipelines.ablation.comparison import Comparison, StudyWork, Training
from pipelines.ablation.study_report import expflow_table, vqig_table


@task(name="train variant", task_run_name="train {training.name}", cache_policy=NO_CACHE, persist_result=False)
def train_variant(work: StudyWork, store_uri: str, training: Training) -> str:
    """Train one variant, or find that it was trained; return the name of the run.

    Raises:
        BadInputError: there is nothing to train on.
        StoreError: the store cannot be read or written.
        BuildFailedError: the training diverged.
    """
    with open_store(store_uri, Settings()) as store:
        return work.train(store, training)


@task(name="compare variants", cache_policy=NO_CACHE, persist_result=False)
def compare_variants(work: StudyWork, store_uri: str) -> Comparison:
    """Compare the variants on held-out clips; leave the tables as an artifact.

    Raises:
        BadInputError: there are no clips to compare.
        StoreError: the store cannot be read.
    """
    with open_store(store_uri, Settings()) as store:
        found = work.compare(store)
    create_markdown_artifact(markdown_of(found), key="ablation", description=work.study.name)
    return found


def markdown_of(found: Comparison) -> str:
    """Return the tables of a comparison."""
    report = found.report
    lines = [f"## {report.study.name}", "", f"Dataset version {report.dataset}", ""]
    if report.expflow is not None:
        lines += ["### ExpFlow", "", expflow_table(report.expflow, report.generated).markdown()]
    if report.vqig is not None:
        lines += ["### Image generator", "", vqig_table(report.vqig).markdown()]
    return "\n".join(lines)
