"""The two ids of a dataset version: what it is (content) and what it was made from (recipe)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.dataset.clip_rows import SPLIT_RECORDING_SCHEMA
from pipelines.dataset.row_digests import RowDigest
from storage_schemas.build_spec import BuildSpec
from storage_schemas.dataset_version import VERSION_ID_DIGITS, VersionManifest
from storage_schemas.identifiers import content_hash

_PATH_SETTINGS = (
    ("corpus", "labels_csv"), ("corpus", "annotations"), ("landmarks", "task_file"),
    ("split", "train_list"), ("split", "validation_list"), ("split", "test_list"),
)  # fmt: skip
_HOW_THE_MODEL_IS_FOUND = {"policy", "name"}  # the id of the model that was found is hashed itself
_ROWS_PER_UPDATE = 32_768


@dataclass(frozen=True)
class BuildDescription:
    """What a version was asked to be and what made it.

    Attributes:
        spec: the resolved specification.
        stage_versions: STAGE_VERSION of each stage.
        software: versions of the libraries that decide bytes.
        model_hashes: SHA-256 of each landmark model file.
        face_model: id of the face model of the coefficients; empty: there are none.
    """

    spec: BuildSpec
    stage_versions: dict[str, int]
    software: dict[str, str]
    model_hashes: dict[str, str]
    face_model: str = ""


def hashed_spec(spec: BuildSpec) -> dict[str, Any]:
    """Return a specification as it enters hashes: without the paths it names.

    A face model that is not wanted has no settings, nor have judges, as in specifications of before there were any.

    What those files say is hashed elsewhere (labels and annotations with the recordings, lists with the splits, the task
    file with the model hashes), and an id must not depend on where something lies.
    """
    values = spec.model_dump(mode="json")
    for section, name in _PATH_SETTINGS:
        values[section][name] = bool(values[section][name])
    face_model = values.pop("face_model")
    if face_model["enabled"]:
        values["face_model"] = {name: value for name, value in face_model.items() if name not in _HOW_THE_MODEL_IS_FOUND}
    if not spec.judges.asked:
        del values["judges"]
    return values


def content_id(manifest: VersionManifest) -> str:
    """Return the `dataset_version` that a manifest must have: `VERSION_ID_DIGITS` hex digits.

    It hashes every field but the id itself, `created` (a date) and `files` (the bytes depend on the Parquet library; `content`
    has the digests of the rows), and the specification without paths.
    """
    fields = manifest.model_dump(mode="json", exclude={"dataset_version", "created", "files"})
    fields["spec"] = hashed_spec(manifest.spec)
    return content_hash(fields)[:VERSION_ID_DIGITS]


def recipe_id(inputs: Mapping[str, str], description: BuildDescription) -> str:
    """Return the recipe: 64 hex digits over inputs, specification, stage versions and model hashes.

    Library versions are not in it: two builds of one recipe whose bytes differ are what `diff` wants to point at, and it
    names the libraries that differ.

    Args:
        inputs: digests of what was read (recordings with their splits, rejections of the listing).
        description: what was asked for.
    """
    return content_hash(
        {
            "inputs": dict(inputs),
            "spec": hashed_spec(description.spec),
            "stage_versions": description.stage_versions,
            "model_hashes": description.model_hashes,
            "face_model": description.face_model,
        }
    )


class InputDigest:
    """Digest of the recordings of a build, in order, with every label and their split; fed part by part."""

    def __init__(self) -> None:
        self._digest = RowDigest(SPLIT_RECORDING_SCHEMA)
        self._pending: list[pa.Table] = []
        self._pending_rows = 0

    def update(self, recordings: pa.Table) -> None:
        """Add recordings (SPLIT_RECORDING_SCHEMA)."""
        self._pending.append(recordings)
        self._pending_rows += recordings.num_rows
        if self._pending_rows >= _ROWS_PER_UPDATE:
            self._flush()

    def hexdigest(self) -> str:
        """Return the digest of everything so far: 64 hex digits."""
        self._flush()
        return self._digest.hexdigest()

    def _flush(self) -> None:
        if self._pending:
            for batch in pa.concat_tables(self._pending).combine_chunks().to_batches():
                self._digest.update(batch)
        self._pending, self._pending_rows = [], 0
