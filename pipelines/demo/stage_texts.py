"""What each stage of the demonstration does, for its display and its page."""

from __future__ import annotations

STAGE_TEXTS = {
    "corpus": "Synthesise the demo corpus: a public-domain portrait as four people who say sentences with eight emotions",
    "dataset": "Build a dataset version through Prefect and Dask: track, crop, landmarks, face model, coefficients, audio features",
    "expflow": "Train ExpFlow, the normalizing flow of expressions",
    "poseflow": "Train PoseFlow, the normalizing flow of head poses",
    "codebook": "Train the codebook of face texture",
    "vqig": "Train the image generator, from coefficients to frames",
    "render": "Render the script list: eight emotions, several takes each, one emotion taken from a clip; and the held-out clips",
    "evaluate": "Measure: held-out clips, the rendered ones as a face tracker sees them, and rendered against true",
}
