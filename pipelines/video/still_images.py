"""Reading still images: upright RGB, within size limits, from formats that hold one picture."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from pipelines.media_files import require_regular_file
from storage_schemas.build_spec import LimitSettings
from storage_schemas.errors import ItemRejectedError
from storage_schemas.rejections import RejectionReason, Stage

STILL_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")


def read_still(path: Path, limits: LimitSettings) -> NDArray[np.uint8]:
    """Read an image as upright RGB; the rotation of its EXIF tag is applied, transparency is laid on black.

    Args:
        path: image file of one of `STILL_FORMATS`, told by its bytes and not by its name.
        limits: accepted sides; the header is checked before anything is decoded.

    Returns:
        uint8 (height, width, 3) RGB.

    Raises:
        ItemRejectedError: (stage PROBE) as `require_regular_file`, or NOT_MEDIA, TRUNCATED_FILE, DIMENSIONS_OUT_OF_RANGE, UNREADABLE_FILE.
    """
    size_bytes = require_regular_file(path)
    try:
        # The size is checked below before anything is decoded; Pillow's own check of it would warn or raise first.
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=STILL_FORMATS) as image:
            _check_sides(image, limits)
            picture = ImageOps.exif_transpose(image)
            return np.array(_as_rgb(picture), dtype=np.uint8)
    except Image.DecompressionBombError as error:
        message = f"expected sides of {limits.min_side_px} to {limits.max_side_px} px, found far more pixels"
        raise ItemRejectedError(Stage.PROBE, RejectionReason.DIMENSIONS_OUT_OF_RANGE, message) from error
    except UnidentifiedImageError as error:
        message = f"expected an image ({', '.join(STILL_FORMATS)}), found none of these in {size_bytes} bytes"
        raise ItemRejectedError(Stage.PROBE, RejectionReason.NOT_MEDIA, message, {"size_bytes": size_bytes}) from error
    except OSError as error:
        if error.errno:
            raise ItemRejectedError(
                Stage.PROBE, RejectionReason.UNREADABLE_FILE, f"the image cannot be read: {os.strerror(error.errno)}"
            ) from error
        message = f"the end of the image is missing or damaged ({size_bytes} bytes)"
        raise ItemRejectedError(Stage.PROBE, RejectionReason.TRUNCATED_FILE, message, {"size_bytes": size_bytes}) from error
    except (ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError) as error:  # what Pillow's decoders raise on damaged data
        message = f"the image is damaged ({type(error).__name__})"
        raise ItemRejectedError(Stage.PROBE, RejectionReason.NOT_MEDIA, message, {"size_bytes": size_bytes}) from error


def _check_sides(image: Image.Image, limits: LimitSettings) -> None:
    width_px, height_px = image.size
    if max(width_px, height_px) > limits.max_side_px or min(width_px, height_px) < limits.min_side_px:
        message = f"expected sides of {limits.min_side_px} to {limits.max_side_px} px, found {width_px} x {height_px}"
        details: dict[str, float | int | str] = {"width_px": width_px, "height_px": height_px}
        raise ItemRejectedError(Stage.PROBE, RejectionReason.DIMENSIONS_OUT_OF_RANGE, message, details)


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode in {"I;16", "I;16B", "I;16L", "I", "F"}:
        # Pillow's own conversion of 16-bit greys clips at 255 instead of scaling.
        grey = np.asarray(image, dtype=np.float64)
        return Image.fromarray((grey / 257.0).clip(0, 255).astype(np.uint8)).convert("RGB")
    if "A" in image.getbands() or "transparency" in image.info:
        opaque = image.convert("RGBA")
        backdrop = Image.new("RGBA", opaque.size, (0, 0, 0, 255))
        return Image.alpha_composite(backdrop, opaque).convert("RGB")
    return image.convert("RGB")
