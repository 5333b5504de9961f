"""Paths of objects: relative, with forward slashes, and never out of the store."""

from __future__ import annotations

from storage_schemas.errors import BadInputError

SCRATCH_FOLDER = "scratch"
COMPLETION_MARKERS = ("part.json", "manifest.json", "outcome.json")
"""Files whose presence makes a folder whole: written last, removed first."""


def checked_path(path: str) -> str:
    """Return the path of an object or folder if it is a plain relative path.

    Raises:
        BadInputError: it is empty or absolute, or holds '..', '.', an empty component, a backslash or a control character.
    """
    components = path.split("/")
    plain = all(component not in ("", ".", "..") for component in components)
    if not plain or "\\" in path or any(ord(character) < 32 or ord(character) == 127 for character in path):
        msg = f"the path of an object must be relative and plain, like 'versions/ab12/manifest.json'; got {path!r}"
        raise BadInputError(msg)
    return path


def checked_prefix(prefix: str) -> str:
    """Return the path of a folder without a trailing slash; empty: the whole store.

    Raises:
        BadInputError: as `checked_path`.
    """
    stripped = prefix.removesuffix("/")
    return checked_path(stripped) if stripped else ""


def markers_first(path: str) -> tuple[bool, str]:
    """Sort key that puts completion markers before everything else, so that a half-removed folder is not taken for a whole one."""
    return path.rsplit("/", 1)[-1] not in COMPLETION_MARKERS, path
