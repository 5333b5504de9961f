"""``flowvqtalker ablation``: the paper's ablation studies from one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from flows.commands.console import progress_bar, say, write_json, write_line
from flows.commands.options import DatasetOption, JsonOption, StoreOption
from infra.settings import Settings
from storage_schemas.errors import BadInputError
from storage_schemas.store_trouble import store_trouble

RUN_COMMAND = "run"


class _RunUnlessNamed(TyperGroup):
    """``ablation X`` is ``ablation run X`` unless X is one of the commands or an option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - Typer's own copy of a context
        """Put the name of the command before words that begin with none."""
        named = not args or args[0] in self.commands or args[0].startswith("-")
        return list(super().parse_args(ctx, args if named else [RUN_COMMAND, *args]))


app = typer.Typer(cls=_RunUnlessNamed, no_args_is_help=True, help="Train variants of the networks and compare them, from one study file.")


@app.command("template")
def template_command(
    *,
    out: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="File to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """Write a study file with every field, its default and what it means.

    Example: flowvqtalker ablation template study.yaml
    """
    from pipelines.ablation.study_files import study_template  # noqa: PLC0415

    if out.exists() and not force:
        raise BadInputError(f"{out} is there already; name another file, or replace it with --force")
    with store_trouble("write", out):
        out.write_text(study_template(), encoding="utf-8")
    say(f"written: {out}")


@app.command(RUN_COMMAND)
def run_command(
    *,
    study_file: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="Study; every field has a default.")],
    out: Annotated[Path, typer.Option(help="Folder for index.html, ablation.json, tables and pictures.")],
    dataset: DatasetOption = "latest",
    store: StoreOption = "",
    threads: Annotated[int, typer.Option(min=0, help="Processor threads of the trainings; 0: chosen by what is trained.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option(help="Of compared frames: float32, bfloat16, or auto: bfloat16 on cuda.")] = "auto",
    json: JsonOption = False,
) -> None:
    """Train every variant of a study that is missing, and compare them. `ablation STUDY.yaml` is short for `ablation run STUDY.yaml`.

    Example: flowvqtalker ablation run study.yaml --dataset latest --store store/ --out ablation/
    """
    from flows.ablation_studies import run_ablation  # noqa: PLC0415 - Prefect and torch take seconds to import
    from flows.commands.coefficients import chosen_device  # noqa: PLC0415
    from flows.commands.images import chosen_precision  # noqa: PLC0415
    from pipelines.ablation.study_files import read_study  # noqa: PLC0415

    study, place = read_study(study_file), chosen_device(device)
    options = {"threads": threads, "device": place, "precision": chosen_precision(precision, place)}
    with progress_bar("ablation", quiet=json) as advance:
        found = run_ablation(study, dataset, store or Settings().store, on_progress=advance, **options)
    from pipelines.ablation.study_report import write_study  # noqa: PLC0415

    with store_trouble("write", out):
        files = write_study(found, out)
    if json:
        write_json({**found.report.model_dump(mode="json"), "out": str(out), "files": [path.name for path in files]})
        return
    for path in files:
        if path.suffix == ".md":
            write_line(path.read_text(encoding="utf-8"))
    say(f"written to {out}: {files[0]}")
