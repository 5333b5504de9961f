"""``flowvqtalker face-model``: the face models of a store."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from flows.commands.console import say, write_json, write_line, write_table
from flows.commands.dataset import opened_store
from flows.commands.options import JsonOption, StoreOption, VersionArgument
from infra.settings import Settings
from storage_schemas.errors import BadInputError, StoreError
from storage_schemas.face_models import FaceModelCard

app = typer.Typer(no_args_is_help=True, help="Build, show and export face models.")

ModelArgument = Annotated[str, typer.Argument(metavar="[MODEL]", help="Model id, the beginning of one, or current.")]
_SHOWN = ("frames", "frames_left_out", "speakers", "expression_variance_64", "held_out_error_percent_iod", "recipe", "sha256", "size_bytes")


@app.command("build")
def build_command(
    version: VersionArgument,
    store: StoreOption = "",
    workers: Annotated[int, typer.Option(min=0, help="Parts handled at once; 0: one per processor.")] = 0,
    json: JsonOption = False,
) -> None:
    """Learn a face model from the clips of a dataset version and make it the one that builds reuse.

    Example: flowvqtalker face-model build latest --store store/
    """
    from flows.running import run_face_model  # noqa: PLC0415 - Dask and Prefect take a second to import

    uri = store or Settings().store
    if not uri:
        raise BadInputError("--store is missing: name a folder or s3://bucket/prefix, e.g. --store store/")
    _write_card(run_face_model(version, uri, workers=workers), json=json)


@app.command("show")
def show_command(model: ModelArgument = "current", store: StoreOption = "", json: JsonOption = False) -> None:
    """Show the card of a face model: what it was learned from and how well it describes faces.

    Example: flowvqtalker face-model show --store store/
    """
    from pipelines.dataset.face_model_store import read_card, resolve_face_model  # noqa: PLC0415

    with opened_store(store) as opened:
        card = read_card(opened, resolve_face_model(opened, model))
    _write_card(card, json=json)


@app.command("export")
def export_command(
    model: ModelArgument,
    folder: Annotated[Path, typer.Argument(help="Folder that is filled; made if it is not there.")],
    store: StoreOption = "",
    json: JsonOption = False,
) -> None:
    """Write a face model as model.safetensors, its card, and its mean face as mean.obj.

    Example: flowvqtalker face-model export current face/ --store store/
    """
    from pipelines.dataset.face_model_store import fetch_face_model, read_card, resolve_face_model  # noqa: PLC0415
    from pipelines.face_model.basis import read_face_model  # noqa: PLC0415
    from pipelines.face_model.geometry import surface_triangles  # noqa: PLC0415
    from pipelines.face_model.obj_writing import obj_text  # noqa: PLC0415

    with opened_store(store) as opened, tempfile.TemporaryDirectory() as scratch:
        card = read_card(opened, resolve_face_model(opened, model))
        fetched = fetch_face_model(opened, card.face_model, Path(scratch))
        learned = read_face_model(fetched)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(fetched, folder / "model.safetensors")
            (folder / "mean.obj").write_text(obj_text(learned.mean.astype(np.float64), surface_triangles(learned)))
            (folder / "card.json").write_text(card.model_dump_json(indent=2) + "\n")
        except OSError as error:
            raise StoreError(f"cannot write {folder}: {error.strerror}; name a folder that can be written") from error
    if json:
        write_json({"face_model": card.face_model, "folder": str(folder), "files": ["card.json", "mean.obj", "model.safetensors"]})
        return
    say(f"face model {card.face_model} in {folder}: model.safetensors, mean.obj, card.json")


def _write_card(card: FaceModelCard, *, json: bool) -> None:
    values = card.model_dump(mode="json")
    if json:
        write_json(values)
        return
    write_line(f"face model {card.face_model}, learned from {len(card.parents)} landmarks part(s)")
    rows = [[name, "not measured" if values[name] is None else values[name]] for name in _SHOWN]
    write_table("card", ["", "value"], rows)
    write_table("settings", ["", "value"], [[name, value] for name, value in card.settings.items()])
