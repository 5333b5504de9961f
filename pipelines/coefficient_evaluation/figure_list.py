"""The figures of an evaluation: what each one is called, means, and should be. Printed by the command and explained in the documents."""

from __future__ import annotations

from pipelines.figure_meaning import FigureMeaning

_THIRD = 1 / 3
FIGURES: dict[str, FigureMeaning] = {
    "mouth_opening_r": FigureMeaning("mouth opening of the samples against the recorded one, correlation, mean over clips and seeds", 0.75),
    "mouth_opening_r_driven": FigureMeaning("the same against the curve that drove the mouth of a demo corpus", 0.75),
    "real_mouth_opening_r_driven": FigureMeaning("recorded mouth opening against that curve"),
    "mouth_amplitude_ratio": FigureMeaning("standard deviation of the mouth opening, samples over recorded"),
    "emotion_accuracy_nearest_mean": FigureMeaning("samples whose emotion the nearest class mean finds", 0.9),
    "emotion_accuracy_classifier": FigureMeaning("samples whose emotion the discriminant analysis finds", 0.9),
    "real_emotion_accuracy_nearest_mean": FigureMeaning("the same of the recorded held-out clips"),
    "real_emotion_accuracy_classifier": FigureMeaning("the same of the recorded held-out clips"),
    "jitter_ratio": FigureMeaning("second difference of the expression, samples over recorded", 0.5, 1.2),
    "pose_jitter_ratio": FigureMeaning("second difference of the rotations, samples over recorded"),
    "blinks_per_minute": FigureMeaning("blinks of the samples"),
    "real_blinks_per_minute": FigureMeaning("blinks of the recorded training clips"),
    "blink_rate_ratio": FigureMeaning("blinks per minute, samples over training clips", 0.5, 2.0),
    "blink_time_overlap": FigureMeaning("blinks that another seed has within 0.12 s", None, 0.5),
    "blink_time_overlap_by_chance": FigureMeaning("the same for blinks at random times"),
    "expression_spread": FigureMeaning("spread between seeds over the natural spread of expressions", _THIRD),
    "expression_spread_within_emotion": FigureMeaning("the same over the natural spread within an emotion"),
    "pose_spread": FigureMeaning("spread between seeds over the natural spread of poses", _THIRD),
    "pose_spread_within_emotion": FigureMeaning("the same over the natural spread within an emotion"),
    "long_range_share": FigureMeaning("long audio: expression values within the range of the training clips", 0.999),
    "long_largest_excess": FigureMeaning("long audio: how far outside the worst value is, in widths of the range"),
    "long_drift": FigureMeaning("long audio: last quarter's mean from the first's, in natural standard deviations", None, 0.25),
    "long_liveliness": FigureMeaning("long audio: spread of the last tenth over that of the first", 0.5, 2.0),
    "long_pose_range_share": FigureMeaning("long audio: pose values within the range of the training clips", 0.999),
    "long_pose_drift": FigureMeaning("long audio: as long_drift, of the pose", None, 0.5),
    "transfer_accuracy_nearest_mean": FigureMeaning("transfers classified as the reference's emotion by the nearest class mean", 0.8),
    "transfer_accuracy_classifier": FigureMeaning("transfers classified as the reference's emotion by the discriminant analysis", 0.8),
    "transfer_reference_read": FigureMeaning("references whose emotion the model itself reads rightly"),
    "transfer_mouth_opening_r": FigureMeaning("mouth opening of transfers against that of the clip whose audio they have"),
    "round_trip_error": FigureMeaning("largest change of a held-out clip's expressions by f(f^-1), frame after frame", None, 1e-4),
}
"""By name, in the order in which they are shown."""
