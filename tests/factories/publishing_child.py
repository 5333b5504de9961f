"""A process that packs and publishes parts without end, to be killed: python publishing_child.py STORE FIRST_NUMBER STAGED..."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

from infra.object_store import open_store
from infra.settings import Settings
from pipelines.dataset.packing import pack_part
from storage_schemas.part_layout import PART_INDEX_FILE, RECORDING_FAMILIES, part_path


def main() -> None:
    """Publish all families of part after part; every third one again, as a second build would."""
    store = open_store(sys.argv[1], Settings())
    staged = [Path(folder) for folder in sys.argv[3:]]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for number in itertools.count(int(sys.argv[2])):
        for family in RECORDING_FAMILIES:
            key = f"{number - number % 3 if number % 2 else number:032x}"
            out = store.scratch_folder() / "part"
            pack_part(family, key, staged, out)
            store.publish_folder(out, part_path(family, key), PART_INDEX_FILE)
        store.write_bytes("tags/latest.json", json.dumps({"number": number, "padding": "x" * 200_000}).encode())


if __name__ == "__main__":
    main()
