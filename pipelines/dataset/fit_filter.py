"""The filter that leaves out clips whose coefficients cannot be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.dataset.clip_rows import ClipFilter
from storage_schemas.build_spec import FaceModelSettings
from storage_schemas.rejections import RejectionReason, Stage


def fit_filter(settings: FaceModelSettings) -> ClipFilter:
    """Return the filter ``poor_fit``: clips whose error or whose share of flagged frames is over the settings' limits.

    Clips without coefficients (stills) pass.
    """

    def keeps(row: Mapping[str, Any]) -> bool:
        good = row["fit_error_percent_iod"] <= settings.max_error_percent_iod and row["fit_flagged_share"] <= settings.max_flagged_share
        return good or not row["coefficients_part"]

    def explain(row: Mapping[str, Any]) -> tuple[str, dict[str, float | int | str]]:
        error, share = row["fit_error_percent_iod"], row["fit_flagged_share"]
        message = (
            f"expected landmarks within {settings.max_error_percent_iod:g} % of the inter-ocular distance of the fitted face and at most "
            f"{settings.max_flagged_share:.0%} flagged frames, found {error:.3g} % and {share:.0%}"
        )
        return message, {"error_percent_iod": error, "flagged_share": share}

    return ClipFilter("poor_fit", keeps, Stage.FACE_MODEL, RejectionReason.POOR_FIT, explain)
