"""A small set of HDTF annotation files."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "RD_annotion_time.txt": "Radio11.mp4 00:30-01:00 01:30-02:30\nRadio12.mp4 00:25-01:00\n",
    "RD_crop_wh.txt": "Radio11_0.mp4 412 599 12 599\nRadio11_1.mp4 557 478 0 478\nRadio12_0.mp4 299 472 0 472\n",
    "RD_crop_ratio.txt": "Radio11_0.mp4 1.2\nRadio11_1.mp4 1.2\nRadio12_0.mp4 1.0\n",
    "RD_resolution.txt": "Radio11.mp4 720\nRadio12.mp4 1080\n",
    "WDA_annotion_time.txt": "KatieHill.mp4 00:10-00:20\nKatieHill2.mp4 00:05-00:06\n",
    "WDA_crop_wh.txt": "",
    "WDA_crop_ratio.txt": "KatieHill_0.mp4 0.9\n",
    "WDA_resolution.txt": "KatieHill.mp4 1080\nKatieHill2.mp4 1080\n",
}


def write_annotations(folder: Path) -> Path:
    """Write annotations of five clips of four videos; the two of KatieHill have no box."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder
