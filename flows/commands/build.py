"""``flowvqtalker build``: a folder of videos in, a dataset version out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from pydantic import ValidationError

from flows.commands.console import progress_bar, say, write_json
from flows.commands.options import JsonOption
from storage_schemas.build_spec import BuildSpec, Layout
from storage_schemas.errors import BadInputError

_EXAMPLES = """
Build a dataset version from a folder of talking-face videos.

Examples:

    flowvqtalker build --source videos/ --layout folder --store store/

    flowvqtalker build mead-front.yaml --source MEAD/ --layout mead --store s3://bucket/datasets --workers 16

Everything can be killed at any time: the same command goes on where it stopped. The same inputs and
specification give the same version id anywhere.
"""


def build(  # noqa: D103 - the help text is the docstring
    spec_file: Annotated[Path | None, typer.Argument(metavar="[SPEC.yaml]", help="Specification; every field has a default.")] = None,
    source: Annotated[Path | None, typer.Option(help="Folder of the corpus.")] = None,
    layout: Annotated[Layout | None, typer.Option(help="How the corpus is laid out; overrides the specification.")] = None,
    store: Annotated[str, typer.Option(help="Where versions land: a folder or s3://bucket/prefix.")] = "",
    workers: Annotated[int, typer.Option(min=0, help="Recordings handled at once; 0: one per processor.")] = 0,
    scheduler: Annotated[str, typer.Option(help="Address of an existing Dask scheduler, e.g. tcp://10.0.0.5:8786.")] = "",
    tag: Annotated[str, typer.Option(help="Tag that is moved to the new version; empty: none.")] = "latest",
    json: JsonOption = False,
) -> None:
    from flows.running import run_build  # noqa: PLC0415 - Prefect takes a second to import

    if source is None:
        raise BadInputError("--source is missing: name the folder of the corpus, e.g. --source videos/")
    if not store:
        raise BadInputError("--store is missing: name a folder or s3://bucket/prefix, e.g. --store store/")
    spec = _with_layout(read_spec(spec_file) if spec_file else BuildSpec(), layout)
    with progress_bar("building", quiet=json) as advance:
        summary = run_build(spec, source, store, workers=workers, scheduler=scheduler, tag=tag, on_progress=advance)
    if json:
        write_json(summary.model_dump(mode="json"))
        return
    for line in summary.lines():
        say(line)


build.__doc__ = _EXAMPLES


def read_spec(path: Path) -> BuildSpec:
    """Read a specification from YAML.

    Raises:
        BadInputError: the file is missing, is no YAML, or has fields that are unknown or out of range; all problems are named.
    """
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInputError(f"cannot read the specification {path}: {error}") from error
    try:
        return BuildSpec.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'file'}: {item['msg']} (found {item['input']!r})" for item in error.errors()
        )
        raise BadInputError(f"the specification {path} has {error.error_count()} problem(s): {problems}") from error


def _with_layout(spec: BuildSpec, layout: Layout | None) -> BuildSpec:
    return spec if layout is None else spec.model_copy(update={"layout": layout})
