"""Running an ablation study from the command line or a program: environment, a Prefect API, then the flow `ablation`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from infra.local_prefect import prefect_api, quiet_prefect_environment
from infra.object_store import open_store
from infra.settings import Settings
from storage_schemas.ablation_study import AblationStudy

if TYPE_CHECKING:
    from pipelines.ablation.comparison import Comparison


def run_ablation(
    study: AblationStudy,
    dataset: str,
    store: str,
    *,
    on_progress: Callable[[int, int, str], None] | None = None,
    **options: Any,  # noqa: ANN401 - fields of StudyWork
) -> Comparison:
    """Run the flow `ablation` in this process and return what came of it.

    Args:
        study: what is compared.
        dataset: version id, beginning of one, or tag.
        store: where the version is and the runs go.
        on_progress: (trainings done, trainings planned and one, note).
        options: threads, device and precision of `StudyWork`.

    Raises:
        BadInputError: there is no such version or codebook.
        StoreError: the store cannot be read or written.
        BuildFailedError: a training diverged.
    """
    settings = Settings()
    quiet_prefect_environment(settings.home)
    from pipelines.ablation.comparison import StudyWork  # noqa: PLC0415 - torch takes seconds to import

    work = StudyWork(study, dataset, **options)
    with open_store(store, settings) as opened:  # before a server is started for nothing
        work.check(opened)
        opened.check_writable()
    with prefect_api(settings.home):
        from flows.ablation import ablation  # noqa: PLC0415 - Prefect reads its environment when imported
        from tasks.progress import listening  # noqa: PLC0415

        with listening(on_progress):
            found: Comparison = ablation(work, store)
    return found
