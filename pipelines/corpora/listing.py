"""Listing a corpus: one call for every layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipelines.corpora.ffhq import list_ffhq
from pipelines.corpora.folder import list_folder
from pipelines.corpora.hdtf import list_hdtf
from pipelines.corpora.listing_builder import Listing, ListingBuilder
from pipelines.corpora.mead import list_demo, list_mead
from pipelines.corpora.walking import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from storage_schemas.build_spec import CorpusSettings, Layout
from storage_schemas.errors import BadInputError

CorpusReader = Callable[[Path, CorpusSettings, ListingBuilder], None]
"""Walks a source folder and hands everything it finds to the builder."""

LAYOUTS: dict[Layout, CorpusReader] = {
    Layout.FOLDER: list_folder,
    Layout.MEAD: list_mead,
    Layout.HDTF: list_hdtf,
    Layout.FFHQ: list_ffhq,
    Layout.DEMO: list_demo,
}
"""The reader of each layout; a new corpus is a function here and a name in `Layout`."""

_SETTINGS_OF_LAYOUTS = {
    "labels_csv": {Layout.FOLDER},
    "views": {Layout.MEAD, Layout.DEMO},
    "levels": {Layout.MEAD, Layout.DEMO},
    "annotations": {Layout.HDTF},
}


def list_corpus(root: Path, layout: Layout, settings: CorpusSettings) -> Listing:
    """List the recordings of a source folder.

    Args:
        root: the source folder.
        layout: how it is laid out; the module of each layout says what it takes.
        settings: which recordings are wanted, and files that describe them.

    Returns:
        Recordings sorted by id, and what could not be listed. The same tree gives the same listing, whatever order the file
        system keeps; nothing but names, sizes and annotation files is read.

    Raises:
        BadInputError: if the folder is missing or holds nothing of the layout's kind, if the settings leave nothing or do not belong
            to the layout, or if a file that describes the corpus cannot be used.
    """
    for name, layouts in _SETTINGS_OF_LAYOUTS.items():
        if getattr(settings, name) and layout not in layouts:
            others = " or ".join(sorted(other.value for other in layouts))
            msg = f"corpus.{name} is for layout {others}, the layout is {layout.value}; leave it out or change the layout"
            raise BadInputError(msg)
    builder = ListingBuilder(settings)
    LAYOUTS[layout](root, settings, builder)
    kind, suffixes = ("image", IMAGE_SUFFIXES) if layout is Layout.FFHQ else ("video", VIDEO_SUFFIXES)
    return builder.finish(f"source folder {root}: expected at least one {kind} (a name ending in {', '.join(suffixes)}), found none")
