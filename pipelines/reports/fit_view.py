"""The part of a report about the face model and its fit, as plain values that the template only has to write down."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.basis import FaceModel
from pipelines.reports.charts import HistogramChart, histogram_chart
from pipelines.reports.curve_charts import Curve, CurveChart, curve_chart
from pipelines.reports.dataset_statistics import FitStatistics
from pipelines.reports.fit_drawing import MODE_STDDEVS, MODES_SHOWN, mesh_overlay_jpeg, mode_jpeg
from pipelines.reports.fit_samples import FitSample
from pipelines.reports.readable_text import readable, readable_share
from storage_schemas.face_models import FaceModelCard

CURVES_SHOWN = 4
_MODES_IN_CURVES = 3
_LEAST_DEGREES = 4.0
_LEAST_STDDEVS = 1.0
_LEAST_ERROR = 0.5


@dataclass(frozen=True)
class OverlayView:
    """A clip with its mesh: pictures as (data URI, what they show)."""

    clip_id: str
    caption: str
    pictures: list[tuple[str, str]]


@dataclass(frozen=True)
class CurveView:
    """The curves of a clip."""

    clip_id: str
    caption: str
    chart: CurveChart


@dataclass(frozen=True)
class ModeView:
    """One expression mode: data URIs of the face at minus and plus `MODE_STDDEVS`."""

    name: str
    share: str
    minus: str
    plus: str


@dataclass(frozen=True)
class FitPictures:
    """What `fit_pictures` makes, ready to be written into the page."""

    model: list[tuple[str, str]]
    mean: str
    modes: list[ModeView]
    chance: list[OverlayView]
    worst: list[OverlayView]
    curves: list[CurveView] = field(default_factory=list)


def fit_pictures(model: FaceModel, card: FaceModelCard, chance: Sequence[FitSample], worst: Sequence[FitSample]) -> FitPictures:
    """Return the pictures of a face model and of the clips that it was fitted to.

    Args:
        model: the version's.
        card: what is known of it.
        chance: of clips taken by chance.
        worst: of those with the largest errors.

    Raises:
        ValueError: a frame does not decode.
    """
    return FitPictures(
        model=_model_rows(card),
        mean=_data_uri(mode_jpeg(model, 0, 0.0)),
        modes=[_mode(model, number) for number in range(MODES_SHOWN)],
        chance=[_overlay(model, sample) for sample in chance],
        worst=[_overlay(model, sample) for sample in worst],
        curves=[_curves(model, sample) for sample in chance[:CURVES_SHOWN]],
    )


def _model_rows(card: FaceModelCard) -> list[tuple[str, str]]:
    held_out = card.held_out_error_percent_iod
    return [
        ("model", card.face_model),
        ("learned from", f"{card.frames:,} frames of {card.speakers:,} speakers"),
        ("not learned from", f"{card.frames_left_out:,} frames without a face, or turned too far"),
        ("variance in 64 modes", f"{100 * card.expression_variance_64:.2f} %"),
        ("error on clips left out", "not measured" if held_out is None else f"{held_out:.3f} % of the inter-ocular distance"),
    ]


def _mode(model: FaceModel, number: int) -> ModeView:
    variances = model.expression_stddevs.astype(np.float64) ** 2
    share = readable_share(float(variances[number] / variances.sum()))
    minus, plus = (_data_uri(mode_jpeg(model, number, sign * MODE_STDDEVS)) for sign in (-1, 1))
    return ModeView(f"mode {number + 1}", share, minus, plus)


def _overlay(model: FaceModel, sample: FitSample) -> OverlayView:
    pictures = [
        (_data_uri(mesh_overlay_jpeg(picture.jpeg, picture.mesh, model)), f"frame {picture.index}: {picture.caption}")
        for picture in sample.pictures
    ]
    return OverlayView(readable(sample.clip.clip_id, 80), _caption(sample), pictures)


def _caption(sample: FitSample) -> str:
    clip = sample.clip
    labels = [readable(label, 60) for label in (clip.speaker, clip.emotion) if label]
    flagged = f", {readable_share(clip.flagged_share)} flagged" if clip.flagged_share else ""
    return ", ".join([*labels, f"error {clip.error_percent_iod:.2f} %{flagged}"])


def _curves(model: FaceModel, sample: FitSample) -> CurveView:
    stored = {name: values.astype(np.float64) for name, values in sample.curves.items()}
    curves = [
        Curve(f"{name}, degrees", np.rad2deg(stored["rho"][:, axis]), np.rad2deg(stored["rho_raw"][:, axis]), _LEAST_DEGREES)
        for axis, name in enumerate(("pitch", "yaw", "roll"))
    ]
    stddevs = model.expression_stddevs.astype(np.float64)
    for mode in range(_MODES_IN_CURVES):
        smooth, raw = (stored[name][:, mode] / stddevs[mode] for name in ("beta", "beta_raw"))
        curves.append(Curve(f"mode {mode + 1}, \N{GREEK SMALL LETTER SIGMA}", smooth, raw, _LEAST_STDDEVS))
    curves.append(Curve("error, % IOD", 100 * stored["residual"], None, _LEAST_ERROR))
    return CurveView(readable(sample.clip.clip_id, 80), _caption(sample), curve_chart(curves, _flagged(sample.curves)))


def _flagged(curves: dict[str, NDArray[Any]]) -> NDArray[np.bool_]:
    return np.asarray(curves["flags"] != 0)


def _data_uri(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


def fit_histograms(fits: FitStatistics) -> list[HistogramChart]:
    """Return the histograms of the clips' errors, jitter and flagged frames."""
    return [
        histogram_chart("Reprojection error", "% IOD", fits.error_percent_iod, lambda value: f"{value:.3g}"),
        histogram_chart("Jitter, fitted over raw", "", fits.jitter_ratio, lambda value: f"{value:.3g}"),
        histogram_chart("Flagged frames of a clip", "%", fits.flagged_percent, lambda value: f"{value:.3g}"),
    ]


def fit_sentence(fits: FitStatistics) -> str:
    """Return the fit of all clips in a sentence."""
    return (
        f"{fits.clips:,} clips fitted; median error {fits.error_percent_iod.quantile(0.5):.2f} % of the inter-ocular distance, "
        f"{readable_share(fits.flagged_frames_share)} of the frames flagged."
    )
