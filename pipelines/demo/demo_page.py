"""The page of the demonstration: what was done in which order, how long it took, and the clips side by side."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import numpy as np
from jinja2 import DictLoader, Environment, StrictUndefined
from numpy.typing import NDArray

from pipelines.demo.measured_renders import MeasuredRenders
from pipelines.demo.rendered_faces import RenderedFace
from pipelines.demo.stage_texts import STAGE_TEXTS
from pipelines.video_evaluation.metric_list import METRIC_LIST
from storage_schemas.demo_summary import DemoEvaluation, DemoRender, DemoSummary

_TEMPLATE = "demo_page.html"
_STYLE = "demo_page.css"
_CHART_WIDTH, _CHART_HEIGHT = 260, 52
_FPS = 25
_CURVES = (("mouth opening", "openings"), ("brow height", "brows"), ("head turn", "turns"))


@dataclass(frozen=True)
class TakeChart:
    """A quantity of all takes of an emotion over each other, as SVG paths."""

    name: str
    paths: list[str]


@dataclass(frozen=True)
class EmotionColumn:
    """The takes of one emotion and how they move."""

    emotion: str
    renders: list[DemoRender]
    charts: list[TakeChart]


def demo_page(summary: DemoSummary, measured: MeasuredRenders, *, reference: str) -> str:
    """Return the page as HTML; clips, curves and report are beside it, by relative links.

    Args:
        summary: of the demonstration.
        measured: its clips.
        reference: file of the clip whose emotion was taken over, relative to the page.
    """
    labelled = [render for render in summary.renders if not render.reference]
    emotions = list(dict.fromkeys(render.emotion for render in labelled))
    columns = [_column(emotion, [render for render in labelled if render.emotion == emotion], measured) for emotion in emotions]
    environment = Environment(
        loader=DictLoader({_TEMPLATE: _resource(_TEMPLATE)}), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template(_TEMPLATE).render(
        summary=summary, columns=columns, intensity=max((render.intensity for render in labelled), default=1.0),
        transfers=[render for render in summary.renders if render.reference], reference=reference,
        stages=[(name, STAGE_TEXTS.get(name, name), seconds) for name, seconds in summary.seconds.items()],
        slowest_s=max(summary.seconds.values(), default=1.0), style=_resource(_STYLE), width=_CHART_WIDTH, height=_CHART_HEIGHT,
        table=evaluation_rows(summary.evaluation),
        figures=[(name, value) for name, value in summary.figures.items() if value is not None],
        curves=[(kind, f"{summary.store}/runs/{run}/curves.png") for kind, run in summary.models.items()],
    )  # fmt: skip


def evaluation_rows(evaluation: DemoEvaluation | None) -> list[tuple[str, str, str]]:
    """Return title, value of the renders and value of the ground truth of every metric, as texts."""
    if evaluation is None:
        return []
    return [
        (
            f"{meaning.title} {meaning.arrow}".rstrip(),
            _shown(evaluation, name, evaluation.metrics.get(name)),
            _shown(evaluation, name, evaluation.ground_truth.get(name)),
        )
        for name, meaning in METRIC_LIST.items()
    ]


def _shown(evaluation: DemoEvaluation, name: str, value: float | None) -> str:
    if value is not None:
        return f"{value:.{METRIC_LIST[name].digits}f}"
    return "n/a (weights not given)" if evaluation.missing.get(name) == "weights not given" else "n/a"


def _column(emotion: str, renders: list[DemoRender], measured: MeasuredRenders) -> EmotionColumn:
    faces = [measured.faces[render.file] for render in renders if render.file in measured.faces]
    return EmotionColumn(emotion, renders, [_chart(name, faces, attribute) for name, attribute in _CURVES] if faces else [])


def _chart(name: str, faces: list[RenderedFace], attribute: str) -> TakeChart:
    curves: list[NDArray[np.float64]] = [getattr(face, attribute) for face in faces]
    known = np.concatenate(curves)
    known = known[np.isfinite(known)]
    if not len(known):
        return TakeChart(name, [])
    low, high = float(known.min()), float(known.max())
    longest = max(2, *(len(curve) for curve in curves))
    return TakeChart(name, [_path(curve, low, max(high - low, 0.05), _CHART_WIDTH / (longest - 1)) for curve in curves])


def _path(values: NDArray[np.float64], low: float, span: float, pitch: float) -> str:
    steps, pen_down = [], False
    for frame, value in enumerate(values.tolist()):
        if np.isfinite(value):
            down = _CHART_HEIGHT - 2 - (value - low) / span * (_CHART_HEIGHT - 4)
            steps.append(f"{'L' if pen_down else 'M'}{frame * pitch:.1f} {down:.1f}")
        pen_down = bool(np.isfinite(value))
    return "".join(steps)


def _resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
