"""From a planned clip to what it is made of: local files with their hashes, then prepared files, then a request for coefficients."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.generation.emotion_weights import parse_emotion
from pipelines.generation.request import GenerationRequest, PoseMode, Reference
from pipelines.rendering.batch.clip_plan import PlannedClip
from pipelines.rendering.batch.preparation import Preparation, Speak
from pipelines.rendering.batch.prepared import PreparedSound, SoundFeatures, UnusableInputError
from pipelines.rendering.portrait_preparation import Portrait
from storage_schemas.errors import BadInputError
from storage_schemas.render_request import RenderOptions
from storage_schemas.render_results import RenderFailure
from storage_schemas.script_rows import POSE_AUDIO

LocalFile = Callable[[str], Path]
"""Gives a local copy of what is at an address; FileNotFoundError where there is nothing."""


@dataclass(frozen=True)
class NamedClip:
    """A clip whose files are there.

    Attributes:
        clip: as planned.
        clip_id: see `PlannedClip.clip_id`.
        files: local files by column.
        hashes: their SHA-256.
    """

    clip: PlannedClip
    clip_id: str
    files: dict[str, Path]
    hashes: dict[str, str]

    @property
    def output(self) -> str:
        """Where it goes, relative to the output folder."""
        return self.clip.output(self.clip_id)


class ClipNaming:
    """Finds the files of clips and hashes them, each file once.

    Args:
        local_file: gives a local copy of an address.
        settings: JSON values that belong to the clips' identity: runs, how clips are made.
        speech: gives what identifies the engine that says texts, as JSON values.
    """

    def __init__(self, local_file: LocalFile, settings: dict[str, Any], speech: Callable[[], dict[str, str]]) -> None:
        self._local_file, self._settings, self._speech = local_file, settings, speech
        self._found: dict[str, tuple[Path, str] | UnusableInputError] = {}

    def name(self, clip: PlannedClip) -> NamedClip:
        """Return a clip with its files and its id.

        Raises:
            UnusableInputError: a file is missing.
        """
        found = {column: self._file(column, address) for column, address in clip.files().items()}
        hashes = {column: sha256 for column, (_, sha256) in found.items()}
        settings = {**self._settings, "speech": self._speech()} if clip.row.text else self._settings
        return NamedClip(clip, clip.clip_id(hashes, settings), {column: path for column, (path, _) in found.items()}, hashes)

    def _file(self, column: str, address: str) -> tuple[Path, str]:
        if address not in self._found:
            try:
                path = self._local_file(address)
                with path.open("rb") as file:
                    self._found[address] = path, hashlib.file_digest(file, "sha256").hexdigest()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError, BadInputError) as error:
                message = f"{column.replace('_', ' ')} {address}: expected a file that can be read, found none ({error}); correct the row"
                self._found[address] = UnusableInputError(RenderFailure.MISSING_FILE, message)
        found = self._found[address]
        if isinstance(found, UnusableInputError):
            raise found
        return found


@dataclass(frozen=True, eq=False)
class PreparedClip:
    """A clip that can be drawn and rendered; `picture` is as in `PreparedPortrait`."""

    named: NamedClip
    portrait: Portrait
    picture: dict[str, Any] | None
    sound: PreparedSound
    request: GenerationRequest


class PendingClip:
    """A clip whose files are being prepared.

    Args:
        named: the clip.
        preparation: prepares files.
        folder: for raw samples.
        speak: says text; None: text cannot be said.
    """

    def __init__(self, named: NamedClip, preparation: Preparation, folder: Path, speak: Speak | None) -> None:
        self.named = named
        files, row = named.files, named.clip.row
        self._portrait = preparation.portrait(files["portrait"])
        self._sound: Future[PreparedSound]
        if row.text:
            self._sound = preparation.speech(row.text, row.voice, folder, speak)
        else:
            self._sound = preparation.sound(files["audio"], folder)
        named_files = [name for name in files if name in ("emotion_reference", "pose")]
        self._references = {name: preparation.reference(files[name]) for name in named_files}

    def prepared(self, settings: RenderOptions) -> PreparedClip:
        """Wait until everything is there.

        Raises:
            UnusableInputError: a file cannot be used.
        """
        face, sound = self._portrait.result(), self._sound.result()
        references = {name: future.result() for name, future in self._references.items()}
        row = self.named.clip.row
        try:
            request = GenerationRequest(
                item_id=self.named.clip.name,
                audio=SoundFeatures(sound.speech),
                frames=sound.frames,
                emotion=references.get("emotion_reference") or parse_emotion(row.emotion or "neutral"),
                intensity=row.intensity,
                seed=row.seed,
                take=self.named.clip.take,
                source_rho=face.portrait.dataset_rho,
                temperature=settings.temperature,
                pose_temperature=settings.pose_temperature,
                pose=_pose(row.pose, references),
            )
        except BadInputError as error:
            raise UnusableInputError(RenderFailure.GENERATION_FAILED, f"{self.named.clip.name}: {error}") from error
        return PreparedClip(self.named, face.portrait, face.picture, sound, request)


def _pose(asked: str, references: dict[str, Reference]) -> Any:  # noqa: ANN401 - a mode or an array
    reference = references.get("pose")
    if reference is None:
        return PoseMode.AUDIO if asked == POSE_AUDIO else PoseMode.FIXED
    if reference.rho is None:
        raise UnusableInputError(RenderFailure.BAD_POSE, f"pose {asked}: expected head poses, found none; name a video")
    return np.asarray(reference.rho, np.float32)
