"""What decides stored bytes beside the inputs and the specification: versions of our own stages and of the libraries they use."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

STAGE_VERSIONS: dict[str, int] = {"probe": 1, "track": 1, "crop": 1, "landmarks": 1, "audio": 1, "pack": 1, "fit": 1}
"""Raise a number when that stage's code would give other bytes for the same input; parts that depend on it are then built anew."""

SOFTWARE: dict[str, str] = {
    "av": "av",
    "decord": "decord",
    "mediapipe": "mediapipe",
    "numpy": "numpy",
    "opencv": "opencv-contrib-python",
    "scipy": "scipy",
    "zarr": "zarr",
}
"""Libraries that decide bytes: name in manifests -> name of the installed distribution."""


def software_versions() -> dict[str, str]:
    """Return the installed version of every library in `SOFTWARE`; empty where one is not installed."""
    return {name: _installed(distribution) for name, distribution in SOFTWARE.items()}


def _installed(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
