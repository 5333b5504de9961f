from __future__ import annotations

from pipelines.image_evaluation.ablation_report import ImageAblationReport, ImageAblationRun


def run(variant: str, repetition: int, psnr_db: float | None) -> ImageAblationRun:
    return ImageAblationRun(
        variant=variant, repetition=repetition, run="vqig/1", steps=10, seconds=1.0, psnr_db=psnr_db, ssim=0.9, mouth_psnr_db=20.0,
        eyes_psnr_db=21.0, cpbd=0.25, ms_per_frame=30.0,
    )  # fmt: skip


def test_the_table_has_a_row_for_each_variant_and_one_for_true_frames() -> None:
    report = ImageAblationReport(
        dataset="d", split="validation", codebook="codebook/1", preset="tiny", real_cpbd=0.3,
        runs=[run("B", 0, 20.0), run("full", 0, None), run("B", 1, 22.0), run("full", 1, None)],
    )  # fmt: skip

    header, _, baseline, full, true = report.markdown().splitlines()

    assert header == "| variant | PSNR, dB | SSIM | mouth, dB | eyes, dB | CPBD | ms a frame |"
    assert baseline.startswith("| B | 21.00 ± 1.41 | 0.9000 ± 0.0000 |")
    assert full.startswith("| full | n/a |")
    assert true == "| true frames |  |  |  |  | 0.3000 |  |"
