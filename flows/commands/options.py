"""Options that several commands have: one name, one range and one help text each."""

from __future__ import annotations

from typing import Annotated

import typer

from storage_schemas.script_rows import STRONGEST

StoreOption = Annotated[str, typer.Option("--store", help="The store: a folder or s3://bucket/prefix.")]
DatasetOption = Annotated[str, typer.Option("--dataset", help="Dataset version: id, the beginning of one, or a tag.")]
VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="Version id, the beginning of one, or a tag such as latest.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
DeviceOption = Annotated[str, typer.Option(help="cpu, cuda, or auto: cuda where there is one.")]
PrecisionOption = Annotated[str, typer.Option(help="float32, bfloat16, or auto: bfloat16 on cuda, else float32.")]
EmotionOption = Annotated[str, typer.Option(help="Label, or shares such as happy:0.7,sad:0.3. Default: neutral.")]
IntensityOption = Annotated[float, typer.Option(min=0, max=STRONGEST, help="0: neutral, 1: as in the training clips, 2: stronger.")]
SpeechOption = Annotated[
    str, typer.Option("--speech", help="espeak-ng, command:PROGRAM ARGUMENTS or python:module:function. Default: FLOWVQTALKER_SPEECH.")
]
