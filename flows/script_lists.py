"""Script lists wherever they are, checked against the files and voices that they name."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from infra.settings import Settings
from infra.source_files import SourceFiles
from pipelines.scripts.checking import Surroundings, check_script_list
from pipelines.scripts.places import located, parent_of, scheme_problem
from pipelines.scripts.reading import ScriptList, read_script_list
from pipelines.speech.engines import open_speech_engine
from storage_schemas.errors import BadInputError


def checked_script_list(scripts: str, speech: str = "", on_progress: Callable[[int, int], None] | None = None) -> ScriptList:
    """Read a script list from wherever it is and check it against files and voices.

    Args:
        scripts: path, file:///path or s3://bucket/path.
        speech: setting of the speech engine; empty: that of the environment.
        on_progress: called with (rows checked, rows).

    Raises:
        BadInputError: the address makes no sense, or a text is to be spoken and the speech engine is not there.
        StoreError: S3 cannot be reached.
    """
    problem = scheme_problem(scripts)
    if problem:
        raise BadInputError(problem)
    settings, address = Settings(), located(scripts, str(Path.cwd()))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flowvqtalker-scripts-")))
        files = stack.enter_context(SourceFiles(folder, settings))
        try:
            listing = read_script_list(files.local(address))
        except FileNotFoundError as error:
            raise BadInputError(f"there is no script list {address}; `flowvqtalker scripts template` writes one") from error
        speaks = any(row.text for _, row in listing.rows)
        engine = stack.enter_context(open_speech_engine(speech or settings.speech)) if speaks else None
        surroundings = Surroundings(parent_of(address), files.exists, engine.voice_problem if engine is not None else None)
        return check_script_list(listing, surroundings, on_progress)
