"""Looking at the files of a script list without reading them whole."""

from __future__ import annotations

import warnings
from pathlib import Path

import av.error
from PIL import Image, UnidentifiedImageError

from pipelines.media_files import choose_audio_stream, open_media, require_regular_file
from pipelines.video.still_images import STILL_FORMATS
from storage_schemas.build_spec import LimitSettings
from storage_schemas.errors import ItemRejectedError
from storage_schemas.script_rows import ScriptProblemReason

FileProblem = tuple[ScriptProblemReason, str] | None
_LEAST_SIDE_PX = 16  # as when portraits are prepared
_PICTURE_FORMATS = ", ".join(STILL_FORMATS)


def file_problem(path: Path) -> FileProblem:
    """Return what is wrong with a file that only has to be there."""
    try:
        require_regular_file(path)
    except ItemRejectedError as error:
        return ScriptProblemReason.MISSING_FILE, f"{path}: {error.message}"
    return None


def picture_problem(path: Path) -> FileProblem:
    """Return what the header of a picture shows to be wrong with it."""
    problem = file_problem(path)
    if problem is not None:
        return problem
    limits = LimitSettings(min_side_px=_LEAST_SIDE_PX)
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=STILL_FORMATS) as image:
            longest, shortest = max(image.size), min(image.size)
    except UnidentifiedImageError:
        return ScriptProblemReason.UNREADABLE_PICTURE, f"{path}: expected a picture ({_PICTURE_FORMATS}), found none"
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return ScriptProblemReason.UNREADABLE_PICTURE, f"{path}: the picture is damaged ({type(error).__name__})"
    if longest > limits.max_side_px or shortest < limits.min_side_px:
        message = f"{path}: expected sides of {limits.min_side_px} to {limits.max_side_px} px, found {shortest} and {longest}"
        return ScriptProblemReason.UNREADABLE_PICTURE, message
    return None


def audio_problem(path: Path) -> FileProblem:
    """Return what the beginning of a sound file shows to be wrong with it."""
    problem = file_problem(path)
    if problem is not None:
        return problem
    try:
        with open_media(path) as container:
            stream = choose_audio_stream(container)
            if stream is None:
                return ScriptProblemReason.UNREADABLE_AUDIO, f"{path}: the file has no sound"
            if next(container.decode(stream), None) is None:
                return ScriptProblemReason.UNREADABLE_AUDIO, f"{path}: the sound has no sample that can be decoded"
    except (av.error.FFmpegError, ValueError, ItemRejectedError) as error:
        text = error.message if isinstance(error, ItemRejectedError) else str(error)
        return ScriptProblemReason.UNREADABLE_AUDIO, f"{path}: expected sound or a video with sound, found none that opens ({text})"
    return None
