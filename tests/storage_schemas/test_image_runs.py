import pytest
from pydantic import ValidationError

from storage_schemas.image_runs import ImageTrainingSpec


def test_shares_of_rare_frames_fit_into_a_batch() -> None:
    assert ImageTrainingSpec(closed_eyes_share=0.5, open_mouth_share=0.5).open_mouth_share == 0.5
    with pytest.raises(ValidationError, match="lower them to 1 together"):
        ImageTrainingSpec(closed_eyes_share=0.7, open_mouth_share=0.4)
