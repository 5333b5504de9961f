"""Giving up old versions of a dataset by a policy: the newest stay, and whatever somebody has named."""

from __future__ import annotations

import json

from pipelines.dataset.version_tables import version_folder
from pipelines.dataset.versions import list_tags, list_versions
from storage_schemas.errors import StoreError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import CONFIG_FILE, RUNS_FOLDER


def give_up_old_versions(store: ObjectStore, name: str, keep: int) -> list[str]:
    """Remove versions of a dataset but for the newest; their parts go with the next garbage collection.

    A version with a tag stays, and so does one that a training run was made from.

    Args:
        store: where they are.
        name: of the dataset; versions of other names are left alone.
        keep: how many of the newest stay; 0: all.

    Returns:
        Ids of the versions that are gone, sorted.

    Raises:
        StoreError: a version or a run cannot be read; nothing has been removed.
    """
    if not keep:
        return []
    own = [manifest for manifest in list_versions(store) if manifest.spec.name == name]
    newest_first = sorted(own, key=lambda manifest: (manifest.created, manifest.dataset_version), reverse=True)
    named = {tag.dataset_version for tag in list_tags(store)} | trained_on(store)
    gone = sorted(manifest.dataset_version for manifest in newest_first[keep:] if manifest.dataset_version not in named)
    for version in gone:
        store.delete(f"{version_folder(version)}/manifest.json")  # first: what has no manifest is no version
        store.delete_folder(version_folder(version))
    return gone


def trained_on(store: ObjectStore) -> set[str]:
    """Return the ids of the versions that training runs of the store were made from, finished or not.

    Raises:
        StoreError: a run's configuration cannot be read, so that what it was made from is unknown.
    """
    paths = [path for path, _ in store.list_objects(RUNS_FOLDER) if path.endswith(f"/{CONFIG_FILE}")]
    return {_dataset_of(store, path) for path in paths}


def _dataset_of(store: ObjectStore, path: str) -> str:
    try:
        return str(json.loads(store.read_bytes(path))["dataset"])
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{store.uri}/{path}: expected the configuration of a run with its dataset version ({error!r}); restore or remove the run"
        raise StoreError(msg) from error
