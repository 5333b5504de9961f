"""A store with small runs of all that rendering needs, portraits and sounds to render, and lists of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2

from infra.object_store import open_store
from infra.settings import Settings
from pipelines.rendering.batch.list_rendering import ListEvents
from pipelines.rendering.batch.list_results import finish_list
from pipelines.rendering.batch.render_models import resolve_models
from pipelines.rendering.batch.run_tally import RunTally
from pipelines.training.coefficient_training import train_coefficients
from pipelines.training.run_settings import preset_training, run_config
from pipelines.training.trainings import RunOptions
from pipelines.training.version_sequences import VersionSequences
from storage_schemas.render_request import RenderOptions, RenderRequest
from storage_schemas.training_runs import COEFFICIENT_KINDS, Preset
from tasks.render_workplace import RenderWorkplace
from tasks.script_plans import read_list
from tests.factories.coefficient_sequences import SMALL_NETWORK, SMALL_TRAINING
from tests.factories.face_frames import frame_with_faces
from tests.factories.image_runs import store_with_image_runs
from tests.factories.synthetic_video import write_tone

EMOTION = "angry"
"""The one label that the runs know."""


@dataclass(frozen=True)
class RenderStore:
    """A store and input files.

    Attributes:
        uri: of the store with the runs.
        folder: with one.png, two.png (portraits), none.png (no face), short.wav and long.wav (0.4 and 0.8 s).
    """

    uri: str
    folder: Path

    def write_list(self, name: str, rows: Iterable[Mapping[str, object]]) -> Path:
        """Write a CSV list of rows into the folder of the files."""
        rows = list(rows)
        columns = list(dict.fromkeys(column for row in rows for column in row))
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        return path


def render_store(folder: Path) -> RenderStore:
    """Return a store whose runs were trained for a few steps."""
    images = store_with_image_runs(folder / "store")
    source = VersionSequences(images.store, images.version)
    for kind in COEFFICIENT_KINDS:
        spec = preset_training(kind, Preset.TINY, **{**SMALL_TRAINING, "steps": 3})
        train_coefficients(images.store, source, run_config(kind, source, spec, **SMALL_NETWORK), RunOptions(device="cpu", threads=1))
    return RenderStore(images.store.uri, _files(folder / "files"))


def _files(folder: Path) -> Path:
    folder.mkdir()
    for name, seed, mirrored in (("one", 0, False), ("two", 1, True)):
        rgb = frame_with_faces(256, 256, [(128, 128, 110)], seed, mirrored=mirrored)
        cv2.imwrite(str(folder / f"{name}.png"), rgb[..., ::-1])
    cv2.imwrite(str(folder / "none.png"), frame_with_faces(256, 256, [])[..., ::-1])
    write_tone(folder / "short.wav", 0.4)
    write_tone(folder / "long.wav", 0.8)
    return folder


def rows_of(count: int, **more: object) -> list[dict[str, object]]:
    """Return short rows of both portraits, each with a seed of its own."""
    return [
        {"portrait": ("one.png", "two.png")[number % 3 == 2], "audio": ("short.wav", "long.wav")[number % 4 == 3], "emotion": EMOTION,
         "seed": number, **more}
        for number in range(count)
    ]  # fmt: skip


def requested(store: RenderStore, scripts: Path, out: str, **options: object) -> RenderRequest:
    """Return the request of a list, rendered on a processor."""
    with open_store(store.uri, Settings()) as opened:
        models = resolve_models(opened, [])
    return RenderRequest(scripts=str(scripts), models=models, store=store.uri, out=out, options=RenderOptions(**options))  # type: ignore[arg-type]


def rendered(request: RenderRequest, scratch: Path) -> RunTally:
    """Render a list in this process without Prefect, and return what was counted."""
    with RenderWorkplace(request) as workplace:
        plan = read_list(request, scratch)
        tally = RunTally(plan.clips, plan.failures())
        workplace.render(plan.base, plan.chunks, ListEvents(tally.add, tally.add_frames))
        finish_list(
            workplace.output, tally.ordered(), scripts=plan.address, scripts_sha256=plan.sha256, models=request.models, finished="now"
        )  # fmt: skip
    return tally
