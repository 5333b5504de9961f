"""Dataset versions of a store: listing, looking up by id, prefix or tag, and the tags themselves."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

import orjson
from pydantic import ValidationError

from pipelines.dataset.version_tables import version_folder
from storage_schemas.dataset_version import VERSION_FORMAT, VERSION_ID_DIGITS, Tag, VersionManifest
from storage_schemas.errors import BadInputError, StoreError
from storage_schemas.object_store_protocol import ObjectStore

MANIFEST_FILE = "manifest.json"
SHORTEST_PREFIX = 4
_TAG_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_LIKE_AN_ID = re.compile(rf"[0-9a-fA-F]{{{SHORTEST_PREFIX},}}")
_VERSION_ID = re.compile(rf"[0-9a-f]{{{VERSION_ID_DIGITS}}}")


def manifest_bytes(manifest: VersionManifest) -> bytes:
    """Return a manifest as it is stored: indented JSON, so that people can read it too."""
    return orjson.dumps(manifest.model_dump(mode="json"), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def parse_manifest(data: bytes, where: str) -> VersionManifest:
    """Read the bytes of a manifest.

    Args:
        data: content of a manifest.json.
        where: its path, for messages.

    Raises:
        BadInputError: if its format is newer than this program knows.
        StoreError: if it is not a manifest.
    """
    try:
        values = orjson.loads(data)
        found = values["format"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        msg = f"{where}: expected the manifest of a dataset version, found {len(data)} bytes that are not one ({error}); restore the file"
        raise StoreError(msg) from error
    if not isinstance(found, int) or found > VERSION_FORMAT:
        msg = f"{where}: format {found!r} is newer than format {VERSION_FORMAT}, the newest this program reads; update flowvqtalker"
        raise BadInputError(msg)
    if found == 1:  # before there were coefficients
        values.get("spec", {}).setdefault("face_model", {"enabled": False})
    try:
        return VersionManifest.model_validate(values)
    except ValidationError as error:
        msg = f"{where}: expected a manifest of format {VERSION_FORMAT}, found {error.error_count()} wrong fields: {_first_errors(error)}"
        raise StoreError(msg) from error


def read_manifest(store: ObjectStore, version_id: str) -> VersionManifest:
    """Return the manifest of a version given its whole id.

    Raises:
        FileNotFoundError: if the version is not there.
        BadInputError, StoreError: as `parse_manifest`.
    """
    path = f"{version_folder(version_id)}/{MANIFEST_FILE}"
    return parse_manifest(store.read_bytes(path), f"{store.uri}/{path}")


def version_ids(store: ObjectStore) -> list[str]:
    """Return the sorted ids of the versions in a store; folders without a manifest are not versions."""
    folders = [name for name in store.list_folders("versions") if _VERSION_ID.fullmatch(name)]
    return [name for name in sorted(folders) if store.exists(f"{version_folder(name)}/{MANIFEST_FILE}")]


def list_versions(store: ObjectStore) -> list[VersionManifest]:
    """Return the manifests of all versions, oldest first (by `created`, then id)."""
    manifests = [read_manifest(store, version_id) for version_id in version_ids(store)]
    return sorted(manifests, key=lambda manifest: (manifest.created, manifest.dataset_version))


def resolve_version(store: ObjectStore, name: str) -> str:
    """Return the id of the version that an id, a tag or the beginning of one id (4 digits at least) names.

    Raises:
        BadInputError: if none or several are meant; the message names the near matches.
    """
    if not _TAG_NAME.fullmatch(name):
        msg = f"{name!r} is neither a version id nor a tag: expected up to 64 letters, digits, '.', '_' or '-'"
        raise BadInputError(msg)
    if store.exists(_tag_path(name)):
        return read_tag(store, name).dataset_version
    ids = version_ids(store)
    found = [version_id for version_id in ids if version_id.startswith(name)] if len(name) >= SHORTEST_PREFIX else []
    if len(found) == 1:
        return found[0]
    if found:
        msg = f"{name!r} is the beginning of {len(found)} versions: {', '.join(found)}; give more digits"
        raise BadInputError(msg)
    msg = f"{store.uri} has no version or tag {name!r}; {_near_matches(name, [*ids, *(tag.name for tag in list_tags(store))])}"
    raise BadInputError(msg)


def load_manifest(store: ObjectStore, name: str) -> VersionManifest:
    """Return the manifest of the version that an id, a unique beginning of one, or a tag names.

    Raises:
        BadInputError: if there is no such version, or its format is newer than this program.
        StoreError: if its manifest is damaged.
    """
    version_id = resolve_version(store, name)
    try:
        return read_manifest(store, version_id)
    except FileNotFoundError as error:
        msg = f"tag {name!r} points at version {version_id}, which {store.uri} does not have; move or delete the tag"
        raise BadInputError(msg) from error


def set_tag(store: ObjectStore, tag_name: str, version: str, *, moved: str) -> Tag:
    """Give a version a name, moving the name if another version has it; readers see the old or the new one.

    Args:
        store: where the version is.
        tag_name: the name; one that could be (the beginning of) a version id is refused.
        version: id, beginning of one, or another tag.
        moved: UTC time as text; information only.

    Raises:
        BadInputError: if the name cannot be a tag, or there is no such version.
    """
    if not _TAG_NAME.fullmatch(tag_name):
        msg = f"tag {tag_name!r}: expected 1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit"
        raise BadInputError(msg)
    if _LIKE_AN_ID.fullmatch(tag_name):
        msg = f"tag {tag_name!r} could be taken for the beginning of a version id; choose a name with a letter after f, '.', '_' or '-'"
        raise BadInputError(msg)
    tag = Tag(name=tag_name, dataset_version=load_manifest(store, version).dataset_version, moved=moved)
    store.write_bytes(_tag_path(tag_name), orjson.dumps(tag.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS))
    return tag


def read_tag(store: ObjectStore, tag_name: str) -> Tag:
    """Return a tag.

    Raises:
        BadInputError: if there is no such tag.
        StoreError: if its file is damaged.
    """
    path = _tag_path(tag_name)
    try:
        return Tag.model_validate_json(store.read_bytes(path))
    except FileNotFoundError as error:
        msg = f"{store.uri} has no tag {tag_name!r}; {_near_matches(tag_name, (tag.name for tag in list_tags(store)))}"
        raise BadInputError(msg) from error
    except ValidationError as error:
        msg = f"{store.uri}/{path}: expected a tag, found {_first_errors(error)}; set the tag again"
        raise StoreError(msg) from error


def list_tags(store: ObjectStore) -> list[Tag]:
    """Return all tags, sorted by name."""
    paths = [path for path, _ in store.list_objects("tags") if path.endswith(".json")]
    return [read_tag(store, path.removeprefix("tags/").removesuffix(".json")) for path in sorted(paths)]


def delete_tag(store: ObjectStore, tag_name: str) -> None:
    """Remove a tag; its version stays.

    Raises:
        BadInputError: if there is no such tag.
    """
    read_tag(store, tag_name)
    store.delete(_tag_path(tag_name))


def _tag_path(tag_name: str) -> str:
    return f"tags/{tag_name}.json"


def _near_matches(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names[:3]
    return f"did you mean {' or '.join(near)}?" if near else "it has no versions yet"


def _first_errors(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:3])
