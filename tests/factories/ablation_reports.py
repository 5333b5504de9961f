"""Reports of ablations that nobody trained for."""

from __future__ import annotations

from pipelines.coefficient_evaluation.ablation_report import AblationReport, AblationRun
from pipelines.image_evaluation.ablation_report import ImageAblationReport, ImageAblationRun

DATASET = "0123456789abcdef"


def expflow_report(variants: tuple[str, ...] = ("SMM", "GMM"), repetitions: int = 2) -> AblationReport:
    """Return a report whose likelihoods are counted up."""
    runs = [
        AblationRun(
            variant=variant,
            repetition=repetition,
            run=f"expflow/{number}{repetition}",
            seconds=1.0,
            steps=100 - 20 * repetition,
            train_nll=0.5,
            held_out_nll=number + repetition,
            held_out_nll_without_past=2.0,
            sample_outliers=0.25,
            real_outliers=0.1,
            own_centre_share=None,
        )
        for repetition in range(repetitions)
        for number, variant in enumerate(variants)
    ]  # fmt: skip
    return AblationReport(dataset=DATASET, preset="tiny", runs=runs)


def vqig_report(run: str = "vqig/0", split: str = "validation") -> ImageAblationReport:
    """Return a report of one run."""
    row = ImageAblationRun(
        variant="B+W", repetition=0, run=run, steps=3, seconds=1.0, psnr_db=30.0, ssim=0.9, mouth_psnr_db=None, eyes_psnr_db=20.0,
        cpbd=0.2, ms_per_frame=4.0,
    )  # fmt: skip
    return ImageAblationReport(dataset=DATASET, split=split, codebook="codebook/0", preset="tiny", real_cpbd=0.3, runs=[row])
