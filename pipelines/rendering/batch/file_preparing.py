"""What the preparing process does with a file: a portrait becomes arrays, sound becomes raw samples."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.face_model.basis import FaceModel, read_face_model
from pipelines.rendering.batch.paste_back import Picture, picture_around
from pipelines.rendering.batch.prepared import UnusableInputError, save_portrait
from pipelines.rendering.batch.sound_files import write_sound
from pipelines.rendering.portrait_frame import FacePlace
from pipelines.rendering.portrait_preparation import Portrait, prepare_portrait
from pipelines.video.still_images import read_still
from storage_schemas.build_spec import LimitSettings
from storage_schemas.errors import BadInputError, ItemRejectedError
from storage_schemas.render_results import RenderFailure

PORTRAIT_FILE = "portrait.npz"


def handle(request: dict[str, Any], on_progress: Callable[[float], None]) -> dict[str, Any]:
    """Prepare one file.

    Args:
        request: kind (portrait or sound), path, out_folder, and for a portrait face_model (a file), size_px, place and paste_back.
        on_progress: called now and then with the seconds of sound handled.

    Returns:
        JSON values of `prepared`, or reason and message where the file cannot be used.
    """
    path, folder = Path(request["path"]), Path(request["out_folder"])
    try:
        if request["kind"] == "portrait":
            place = FacePlace(*request["place"])
            portrait = prepare_portrait(path, _face_model(request["face_model"]), request["size_px"], place)
            picture = _picture(path, portrait).save(folder) if request["paste_back"] else None
            return {**save_portrait(portrait, folder / PORTRAIT_FILE), "picture": picture}
        return write_sound(path, folder, on_progress)
    except UnusableInputError as error:
        return {"reason": error.reason.value, "message": error.message}
    except ItemRejectedError as error:
        return {"reason": RenderFailure.BAD_AUDIO.value, "message": f"audio {path}: {error.message}"}
    except BadInputError as error:
        return {"reason": RenderFailure.BAD_PORTRAIT.value, "message": str(error)}


def _picture(path: Path, portrait: Portrait) -> Picture:
    rgb = read_still(path, LimitSettings(min_side_px=16))
    return picture_around(np.ascontiguousarray(np.rot90(rgb, -portrait.quarter_turns)), portrait.window)


@cache
def _face_model(path: str) -> FaceModel:
    return read_face_model(Path(path))
