from __future__ import annotations

from typing import Any

import pytest

from pipelines.dataset.fit_filter import fit_filter
from storage_schemas.build_spec import FaceModelSettings
from storage_schemas.rejections import RejectionReason, Stage


def _row(error: float, share: float, part: str = "ab") -> dict[str, Any]:
    return {"fit_error_percent_iod": error, "fit_flagged_share": share, "coefficients_part": part}


@pytest.mark.parametrize(
    ("row", "kept"),
    [(_row(3.0, 0.5), True), (_row(3.01, 0.0), False), (_row(0.3, 0.51), False), (_row(9.0, 1.0, part=""), True)],
)
def test_clips_over_a_limit_are_left_out(row: dict[str, Any], kept: bool) -> None:
    assert fit_filter(FaceModelSettings()).keeps(row) is kept


def test_the_rejection_says_what_was_expected_and_found() -> None:
    poor_fit = fit_filter(FaceModelSettings(max_error_percent_iod=1.5))
    assert (poor_fit.stage, poor_fit.reason) == (Stage.FACE_MODEL, RejectionReason.POOR_FIT)
    assert poor_fit.explain is not None
    message, details = poor_fit.explain(_row(2.25, 0.125))
    assert message.startswith("expected landmarks within 1.5 % of the inter-ocular distance")
    assert message.endswith("found 2.25 % and 12%")
    assert details == {"error_percent_iod": 2.25, "flagged_share": 0.125}
