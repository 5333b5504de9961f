"""The demonstration: corpus, dataset version, four trainings, a rendered script list, its measures and a page.

Everything that a stage makes stays in the output folder and is found again, so the same call goes on where an earlier one was stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow.parquet as pq

from flows.native_logs import native_logs_hidden
from flows.rendering import render_script_list
from flows.running import run_build
from flows.training import run_training
from infra.local_prefect import prefect_api, quiet_prefect_environment
from infra.object_store import open_store
from infra.settings import Settings
from pipelines.demo.stage_record import RunningStage, StageRecord
from storage_schemas.build_spec import BuildSpec, Layout
from storage_schemas.demo_summary import DemoEvaluation, DemoSettings, DemoSummary
from storage_schemas.render_results import RESULTS_FILE, ClipResult
from storage_schemas.store_trouble import store_trouble
from storage_schemas.training_runs import COEFFICIENT_KINDS, IMAGE_KINDS, Preset, RunKind

if TYPE_CHECKING:
    from pipelines.demo.demo_script import DemoScript
    from pipelines.demo.measured_renders import MeasuredRenders
    from storage_schemas.build_summary import BuildSummary

STORE_FOLDER = "store"
CORPUS_FOLDER = "corpus"
RENDERS_FOLDER = "renders"
MATERIAL_FOLDER = "held-out-list"
HELD_OUT_FOLDER = "held-out"
SCRIPT_FOLDER = "script"
SUMMARY_FILE = "summary.json"
PAGE_FILE = "index.html"
SHEET_FILE = "sheet.png"
TRAINED = (*COEFFICIENT_KINDS, *IMAGE_KINDS)
STAGES = ("corpus", "dataset", *(kind.value for kind in TRAINED), "render", "evaluate")

Advance = Callable[[int, int, str], None]


class StageWatcher(Protocol):
    """Who is told what happens."""

    def stage(self, name: str, number: int, count: int) -> AbstractContextManager[Advance]:
        """Show a stage while the context lasts; what it gives is told (done, total, note)."""
        ...


@dataclass
class _Demo:
    """What the stages of one demonstration share."""

    out: Path
    settings: DemoSettings
    portrait: Path | None
    watcher: StageWatcher
    record: StageRecord
    models: dict[str, str] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    evaluation: DemoEvaluation | None = None

    @property
    def store(self) -> str:
        return str(self.out / STORE_FOLDER)

    @contextmanager
    def stage(self, name: str, asked: Any) -> Iterator[tuple[RunningStage, Advance]]:  # noqa: ANN401 - any JSON value
        """Run a stage: it is shown, timed, and noted as reused where its body says so."""
        shown = self.watcher.stage(name, STAGES.index(name) + 1, len(STAGES))
        with self.record.stage(name, asked) as running, shown as advance:
            yield running, advance


def run_demo(out: Path, settings: DemoSettings, watcher: StageWatcher, portrait: Path | None = None) -> DemoSummary:
    """Make the demonstration, or go on with one that was stopped.

    Args:
        out: output folder, made if need be.
        settings: how much of it.
        watcher: who is told what happens.
        portrait: picture of the face that is animated; None: a face of the corpus.

    Returns:
        What ``summary.json`` holds; clips that failed are in it, not raised.

    Raises:
        BadInputError: the portrait cannot be used, espeak-ng is missing, or the folder holds another corpus.
        StoreError: the folder cannot be written.
        BuildFailedError: a stage failed.
    """
    started_s = time.monotonic()
    out = out.expanduser().absolute()
    if portrait is not None:
        _check_portrait(portrait)
    with store_trouble("write", out):
        demo = _Demo(out, settings, portrait, watcher, StageRecord(out))
        home = Settings().home
        quiet_prefect_environment(home)
        _corpus(demo)
        with prefect_api(home):  # one server for all flows
            built = _dataset(demo)
            for kind in settings.trainings:
                _train(demo, kind, built.dataset_version)
            script, results = _render(demo, built.dataset_version)
        figures, measured = _evaluate(demo, script, results, built.dataset_version)
        summary = DemoSummary(
            dataset_version=built.dataset_version, clips_accepted=built.clips_accepted, seconds=demo.record.seconds,
            seconds_total=round(sum(demo.record.seconds.values()), 1), seconds_this_run=round(time.monotonic() - started_s, 1),
            reused=demo.record.reused, models=demo.models, steps=demo.steps, store=STORE_FOLDER, report=f"{STORE_FOLDER}/{built.report}",
            portrait=f"{SCRIPT_FOLDER}/{script.portrait.name}", renders=measured.renders, figures=figures, index=PAGE_FILE,
            evaluation=demo.evaluation,
        )  # fmt: skip
        _write_page(demo, summary, measured, script)
    return summary


def _check_portrait(path: Path) -> None:
    """Find the face in a picture before minutes are spent; BadInputError where there is none."""
    from pipelines.rendering.portrait_preparation import require_face  # noqa: PLC0415 - MediaPipe takes seconds to import

    with native_logs_hidden():
        require_face(path)


def _corpus(demo: _Demo) -> None:
    from pipelines.corpora.demo.corpus import write_demo_corpus  # noqa: PLC0415 - its imports take seconds

    asked = demo.settings.model_dump(mode="json", include={"clips", "speakers", "seed"})
    with demo.stage("corpus", asked) as (running, advance):
        settings = demo.settings
        written = write_demo_corpus(
            demo.out / CORPUS_FOLDER, settings.clips, settings.seed, speakers=settings.speakers,
            progress=lambda done, total: advance(done, total, "clips"),
        )  # fmt: skip
        running.was_done = written.clips_made == 0


def _dataset(demo: _Demo) -> BuildSummary:
    with demo.stage("dataset", demo.settings.model_dump(mode="json", include={"clips", "speakers", "seed"})) as (running, advance):
        advance(0, 0, "looking through the corpus, starting Dask")
        spec = BuildSpec(name="demo", layout=Layout.DEMO)
        built = run_build(spec, demo.out / CORPUS_FOLDER, demo.store, on_progress=advance)
        running.was_done = built.unchanged
    return built


def _train(demo: _Demo, kind: RunKind, dataset: str) -> None:
    share = demo.settings.trainings[kind]
    codebook = demo.models.get(RunKind.CODEBOOK.value, "latest").rpartition("/")[2]
    changes = {"steps": share.steps, "max_minutes": share.max_minutes, "seed": demo.settings.seed}
    with demo.stage(kind.value, {**changes, "dataset": dataset}) as (running, advance):
        advance(0, share.steps, "reading the clips, making the network")
        from pipelines.training.asked_trainings import asked_training  # noqa: PLC0415 - torch takes seconds to import
        from pipelines.training.trainings import RunOptions  # noqa: PLC0415

        training = asked_training(kind, Preset.TINY, changes, dataset, codebook=codebook)
        trained = run_training(training, demo.store, RunOptions(), on_progress=advance)
        running.was_done = trained.was_finished
    demo.models[kind.value] = f"{kind.value}/{trained.card.run_id}"
    demo.steps[kind.value] = trained.card.steps


def _render(demo: _Demo, dataset: str) -> tuple[DemoScript, list[ClipResult]]:
    from pipelines.demo.demo_script import write_demo_script  # noqa: PLC0415 - its imports take seconds

    settings, renders = demo.settings, demo.out / RENDERS_FOLDER
    models = [demo.models[kind.value] for kind in TRAINED if kind is not RunKind.CODEBOOK]
    asked = {"models": models, **settings.model_dump(include={"takes", "intensity", "seed"})}
    with demo.stage("render", asked) as (running, advance):
        advance(0, 0, "speaking the sentences, loading the networks")
        script = write_demo_script(
            demo.out / SCRIPT_FOLDER, demo.out / CORPUS_FOLDER, seed=settings.seed, takes=settings.takes, intensity=settings.intensity,
            portrait=demo.portrait,
        )  # fmt: skip
        done = render_script_list(script.path, models, demo.store, str(renders), on_progress=advance)
        held_out_done = _render_held_out(demo, dataset, models, advance)
        running.was_done = done.clips_done == held_out_done == 0 and not done.clips_failed
    results = [ClipResult(**row) for row in pq.read_table(renders / RESULTS_FILE).to_pylist()]
    return script, results


def _render_held_out(demo: _Demo, dataset: str, models: list[str], advance: Advance) -> int:
    """Render the sound and the emotion of every held-out clip, to be compared with the clip; return how many were made now."""
    from pipelines.demo.held_out_renders import write_held_out_list  # noqa: PLC0415 - its imports take seconds

    with open_store(demo.store, Settings()) as store:
        scripts = write_held_out_list(store, dataset, demo.out / MATERIAL_FOLDER, demo.settings.seed)
    if scripts is None:
        return 0
    advance(0, 0, "the sentences of held-out clips")
    return render_script_list(scripts, models, demo.store, str(demo.out / HELD_OUT_FOLDER), on_progress=advance).clips_done


def _evaluate(demo: _Demo, script: DemoScript, results: list[ClipResult], dataset: str) -> tuple[dict[str, float | None], MeasuredRenders]:
    from pipelines.demo.held_out_figures import held_out_figures  # noqa: PLC0415 - torch takes seconds to import
    from pipelines.demo.held_out_renders import evaluate_held_out  # noqa: PLC0415
    from pipelines.demo.measured_renders import measure_renders  # noqa: PLC0415

    with demo.stage("evaluate", {"models": demo.models, "clips": [result.clip_id for result in results]}) as (_, advance):
        advance(0, len(results), "looking at the clips")
        with native_logs_hidden():
            measured = measure_renders(demo.out, results, script, lambda done, total: advance(done, total, "looking at the clips"))
        with open_store(demo.store, Settings()) as store:
            figures = held_out_figures(store, demo.models, dataset, demo.out / CORPUS_FOLDER, lambda note: advance(0, 0, note))
            demo.evaluation = evaluate_held_out(store, dataset, demo.out / HELD_OUT_FOLDER, advance)
    return figures, measured


def _write_page(demo: _Demo, summary: DemoSummary, measured: MeasuredRenders, script: DemoScript) -> None:
    from PIL import Image  # noqa: PLC0415

    from pipelines.demo.demo_page import demo_page  # noqa: PLC0415
    from pipelines.demo.measured_renders import contact_sheet  # noqa: PLC0415

    sheet = contact_sheet(measured)
    if sheet is not None:
        Image.fromarray(sheet).save(demo.out / SHEET_FILE)
    page = demo_page(summary, measured, reference=script.reference.relative_to(demo.out).as_posix())
    _replace(demo.out / PAGE_FILE, page)
    _replace(demo.out / SUMMARY_FILE, summary.model_dump_json(indent=1) + "\n")


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
