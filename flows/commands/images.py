"""``flowvqtalker images``: portraits, and how good generated frames are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.console import say, write_json
from flows.commands.dataset import JsonOption, StoreOption, opened_store
from storage_schemas.errors import BadInputError

if TYPE_CHECKING:
    from pipelines.rendering.frame_generator import Precision

app = typer.Typer(no_args_is_help=True, help="Prepare portraits, and measure how good generated frames are.")


@app.command("portrait")
def portrait_command(
    *,
    picture: Annotated[Path, typer.Argument(help="A picture of one face.")],
    out: Annotated[Path | None, typer.Option(help="PNG file to write what the generator gets to.")] = None,
    model: Annotated[str, typer.Option("--model", help="Run whose portrait it is to be.")] = "vqig/latest",
    store: StoreOption = "",
    json: JsonOption = False,
) -> None:
    """Prepare a picture for a trained generator, and say whether it can be used and what was found.

    Example: flowvqtalker images portrait face.jpg --store store/ --out prepared.png
    """
    from pipelines.rendering.portrait_preparation import prepare_portrait  # noqa: PLC0415 - MediaPipe and torch take seconds to import
    from pipelines.rendering.run_loading import load_rendering_model  # noqa: PLC0415

    with opened_store(store) as opened:
        rendering = load_rendering_model(opened, model)
    if rendering.face_model is None:
        raise BadInputError(f"{rendering.run_id} has no face model to fit portraits with")
    portrait = prepare_portrait(picture, rendering.face_model, rendering.size_px, rendering.place)
    if out is not None:
        _write_png(out, portrait.rgb)
    values = portrait.summary()
    if json:
        write_json(values)
        return
    for name, value in values.items():
        say(f"{name}: {value}")


def _write_png(path: Path, rgb: object) -> None:
    from PIL import Image  # noqa: PLC0415

    from storage_schemas.store_trouble import store_trouble  # noqa: PLC0415

    with store_trouble("write", path):
        Image.fromarray(rgb).save(path, format="PNG")  # type: ignore[arg-type]


def chosen_precision(name: str, device: str) -> Precision:
    """Return what networks compute in: as named, or for auto bfloat16 on cuda and float32 elsewhere.

    Raises:
        BadInputError: there is no such precision.
    """
    from pipelines.rendering.frame_generator import Precision  # noqa: PLC0415

    if name == "auto":
        return Precision.BFLOAT16 if device == "cuda" else Precision.FLOAT32
    if name not in list(Precision):
        raise BadInputError(f"--precision must be auto, {' or '.join(Precision)}, got {name!r}")
    return Precision(name)
