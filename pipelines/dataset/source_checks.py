"""Sources that change during a build: the outcome of a recording is kept by its content, so it must be an outcome of that content."""

from __future__ import annotations

from pathlib import Path

from pipelines.media_files import require_regular_file
from storage_schemas.errors import BadInputError, ItemRejectedError
from storage_schemas.recordings import Recording
from storage_schemas.rejections import RejectionReason

_REASONS_OF_ABSENCE = frozenset(
    {RejectionReason.MISSING_SOURCE, RejectionReason.NOT_A_REGULAR_FILE, RejectionReason.UNREADABLE_FILE, RejectionReason.EMPTY_FILE}
)
_REMEDY = "make the source available and unchanging, then run again; what is finished is kept"


def require_as_listed(recording: Recording, video: Path) -> None:
    """Check that a video still has the size with which it was listed and hashed; a recording without size or hash is not checked.

    Raises:
        BadInputError: it has grown, shrunk or gone.
    """
    if not recording.video_sha256 or not recording.size_bytes:
        return
    try:
        found_bytes = require_regular_file(video)
    except ItemRejectedError as error:
        check_source_was_there(recording, error)
        raise
    if found_bytes != recording.size_bytes:
        message = f"{recording.recording_id} had {recording.size_bytes} bytes when the corpus was listed and has {found_bytes} now"
        raise BadInputError(f"{message}; {_REMEDY}")


def check_source_was_there(recording: Recording, error: ItemRejectedError) -> None:
    """Tell a file that is not there any more from one that is unusable; a recording without hash is not checked.

    Args:
        recording: that was listed and hashed.
        error: why it is rejected.

    Raises:
        BadInputError: the file was read when it was hashed and cannot be now, e.g. because a network folder is gone.
    """
    if recording.video_sha256 and error.reason in _REASONS_OF_ABSENCE:
        message = f"{recording.recording_id} could be read when the corpus was listed and cannot now: {error.message}"
        raise BadInputError(f"{message}; {_REMEDY}") from error
