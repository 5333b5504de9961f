"""What a run was made with besides its configuration: our sources, and the libraries that decide the weights."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from storage_schemas.training_runs import COEFFICIENT_KINDS, IMAGE_KINDS, RunKind

_COEFFICIENT_SOURCES = ("models/normalizing_flow", "blinks", "training")
_IMAGE_SOURCES = ("models", "models/image_codebook", "models/image_generator", "training", "training/images")
_JUDGE_SOURCES = ("models/sync_expert", "models/emotion_classifier", "judging", "training", "training/judges")
_LIBRARIES = ("torch", "lightning", "numpy")
_IMAGE_LIBRARIES = (*_LIBRARIES, "opencv-contrib-python")
_JUDGE_LIBRARIES = (*_IMAGE_LIBRARIES, "scipy")


@lru_cache
def code_version(kind: RunKind) -> str:
    """Return the version of the package, and 12 digits of the hash of the sources of a kind of network and of its training."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for folder in _of_kind(kind)[0]:
        for path in sorted((root / folder).glob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{_installed('flowvqtalker')}+{digest.hexdigest()[:12]}"


def software_versions(kind: RunKind) -> dict[str, str]:
    """Return the versions of the libraries that decide the weights of a kind of network; empty: not installed as a package."""
    return {name: _installed(name) for name in _of_kind(kind)[1]}


def _of_kind(kind: RunKind) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return folders of sources, and libraries."""
    if kind in COEFFICIENT_KINDS:
        return _COEFFICIENT_SOURCES, _LIBRARIES
    return (_IMAGE_SOURCES, _IMAGE_LIBRARIES) if kind in IMAGE_KINDS else (_JUDGE_SOURCES, _JUDGE_LIBRARIES)


def _installed(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
