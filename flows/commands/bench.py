"""``flowvqtalker bench``: the figures that the documentation states, measured on this machine."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.console import progress_bar, write_json, write_line, write_table
from flows.commands.options import DeviceOption, JsonOption, PrecisionOption
from infra.object_store import open_store
from infra.settings import Settings
from storage_schemas.build_spec import Layout
from storage_schemas.errors import BadInputError

if TYPE_CHECKING:
    from pipelines.rendering.frame_generator import RenderSettings

app = typer.Typer(no_args_is_help=True, help="Measure speed and memory on this machine.")


@app.command("build")
def build_command(
    source: Annotated[Path | None, typer.Option(help="Folder of videos for the speed of one process; none: demo clips are made.")] = None,
    corpus: Annotated[Path | None, typer.Option(help="Demo corpus for the cost of orchestration; none: one is made.")] = None,
    clips: Annotated[int, typer.Option(min=2, help="Clips of the corpus that is made.")] = 200,
    repetitions: Annotated[int, typer.Option(min=1, help="Turns; the fastest of each measurement counts.")] = 3,
    orchestration: Annotated[bool, typer.Option(help="Measure the cost of orchestration as well, which takes minutes.")] = True,
    json: JsonOption = False,
) -> None:
    """Measure how fast a dataset is built, against the sum of what its stages cost alone.

    Example: flowvqtalker bench build --source videos/ --json
    """
    from pipelines.corpora.walking import VIDEO_SUFFIXES  # noqa: PLC0415
    from pipelines.dataset.build_benchmark import measure_build_rates  # noqa: PLC0415

    values: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="flowvqtalker-bench-") as folder:
        scratch = Path(folder)
        made = corpus or (_made_corpus(scratch / "corpus", clips, quiet=json) if orchestration or source is None else scratch)
        videos_folder = source or made
        videos = sorted(path for path in videos_folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file())
        if not videos:
            raise BadInputError(f"{videos_folder} holds no video; name a folder of videos with --source")
        with progress_bar("measuring", quiet=json) as advance:
            chosen = videos if source else videos[:8]
            values |= asdict(measure_build_rates(chosen, scratch, repetitions, advance))
        if orchestration:
            from flows.orchestration_benchmark import measure_orchestration  # noqa: PLC0415

            cost = measure_orchestration(made, Layout.DEMO, scratch, workers=2, repetitions=max(1, repetitions - 1))
            values |= asdict(cost)
        else:
            values["orchestration_overhead"] = None
    _show(values, json=json)


def _made_corpus(folder: Path, clips: int, *, quiet: bool, seed: int = 7) -> Path:
    from pipelines.corpora.demo.corpus import write_demo_corpus  # noqa: PLC0415

    with progress_bar("synthesising", quiet=quiet) as advance:
        write_demo_corpus(folder, clips, seed=seed, progress=advance)
    return folder


@app.command("scale")
def scale_command(
    clips: Annotated[int, typer.Option(min=1000, help="Synthetic clips.")] = 300_000,
    seed: Annotated[int, typer.Option(help="Of the synthetic listing.")] = 0,
    json: JsonOption = False,
) -> None:
    """Measure planning, manifest writing, diff and table verification on a synthetic listing: no media, only their records.

    Example: flowvqtalker bench scale --clips 300000 --json
    """
    from pipelines.dataset.scale_benchmark import measure_scale  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="flowvqtalker-scale-") as folder:
        values = measure_scale(_open, folder, clips=clips, seed=seed)
    _show(values, json=json)


@app.command("sample")
def sample_command(
    device: DeviceOption = "auto",
    preset: Annotated[list[str] | None, typer.Option(help="Preset to measure; may be given several times; none: all.")] = None,
    batch: Annotated[list[int] | None, typer.Option(min=1, help="Batch size; may be given several times; none: 1 and 64.")] = None,
    threads: Annotated[int, typer.Option(min=0, help="Processor threads; 0: all.")] = 0,
    json: JsonOption = False,
) -> None:
    """Measure how many frames of coefficients are drawn a second, by preset and batch size, with random weights.

    Example: flowvqtalker bench sample --json
    """
    from flows.commands.coefficients import chosen_device  # noqa: PLC0415
    from pipelines.generation.sampling_benchmark import BATCH_SIZES, PRESETS, measure_sampling  # noqa: PLC0415

    unknown = sorted(set(preset or ()) - set(PRESETS))
    if unknown:
        raise BadInputError(f"unknown preset {unknown[0]!r}; presets are {', '.join(PRESETS)}")
    names = [name for name in PRESETS if not preset or name in preset]
    with progress_bar("measuring", quiet=json) as advance:
        values = measure_sampling(
            chosen_device(device), threads=threads, batch_sizes=batch or BATCH_SIZES, preset_names=names, on_progress=advance
        )
    _show(values, json=json)


@app.command("render")
def render_command(
    *,
    device: DeviceOption = "auto",
    preset: Annotated[list[str] | None, typer.Option(help="Preset to measure; may be given several times; none: all.")] = None,
    batch: Annotated[list[int] | None, typer.Option(min=1, help="Batch size; may be given several times; none: some that suit.")] = None,
    precision: PrecisionOption = "auto",
    compiled: Annotated[bool, typer.Option("--compile", help="Compile the networks first, which takes a minute for each.")] = False,
    cuda_graphs: Annotated[bool, typer.Option("--cuda-graphs", help="Record a batch and replay it; cuda alone.")] = False,
    threads: Annotated[int, typer.Option(min=0, help="Processor threads; 0: all.")] = 0,
    end_to_end: Annotated[bool, typer.Option("--end-to-end", help="Clips with sound instead: what of the speed is left in files.")] = False,
    encoders: Annotated[int, typer.Option(min=1, help="Encoding processes of --end-to-end.")] = 1,
    json: JsonOption = False,
) -> None:
    """Measure how many frames a second are made of coefficients, by preset and batch size, with random weights; and their GFLOP.

    Example: flowvqtalker bench render --json

    Example: flowvqtalker bench render --end-to-end --preset tiny --json
    """
    from flows.commands.coefficients import chosen_device  # noqa: PLC0415
    from flows.commands.images import chosen_precision  # noqa: PLC0415
    from pipelines.rendering.frame_generator import RenderSettings  # noqa: PLC0415
    from pipelines.rendering.rendering_benchmark import PRESET_NAMES, BenchmarkSettings, measure_rendering  # noqa: PLC0415

    unknown = sorted(set(preset or ()) - set(PRESET_NAMES))
    if unknown:
        raise BadInputError(f"unknown preset {unknown[0]!r}; presets are {', '.join(PRESET_NAMES)}")
    place = chosen_device(device)
    if cuda_graphs and place != "cuda":
        raise BadInputError(f"--cuda-graphs needs a CUDA device, found {place}")
    render = RenderSettings(place, chosen_precision(precision, place), compile=compiled, cuda_graphs=cuda_graphs)
    names = [name for name in PRESET_NAMES if not preset or name in preset]
    if end_to_end:
        _end_to_end(render, (batch or [32 if place == "cuda" else 8])[0], names, threads, encoders, json=json)
        return
    with progress_bar("measuring", quiet=json) as advance:
        values = measure_rendering(BenchmarkSettings(render, batch or (), names, threads), advance)
    _show(values, json=json)


def _end_to_end(render: RenderSettings, batch: int, names: list[str], threads: int, encoders: int, *, json: bool) -> None:
    from pipelines.generation.sampling_benchmark import PRESETS  # noqa: PLC0415
    from pipelines.rendering.batch.end_to_end_benchmark import EndToEndSettings, measure_end_to_end  # noqa: PLC0415
    from storage_schemas.render_request import RenderOptions  # noqa: PLC0415

    options = RenderOptions(
        device=render.device, precision=render.precision.value, batch_frames=batch, encoders=encoders, compiled=render.compile,
        cuda_graphs=render.cuda_graphs,
    )  # fmt: skip
    with progress_bar("measuring", quiet=json) as advance:
        values = measure_end_to_end(EndToEndSettings(options, [name for name in PRESETS if name in names], threads=threads), advance)
    _show(values, json=json)


@app.command("loader")
def loader_command(
    dataset: Annotated[str, typer.Option(help="Dataset version whose frames are loaded: id, beginning of one, or tag.")] = "latest",
    store: Annotated[str, typer.Option(help="The store with the version.")] = "",
    preset: Annotated[list[str] | None, typer.Option(help="Preset to measure; may be given several times; none: all.")] = None,
    json: JsonOption = False,
) -> None:
    """Measure how fast frames come to a training of the codebook, against plain decoding of the same JPEGs from memory.

    Example: flowvqtalker bench loader --dataset latest --store store/ --json
    """
    from pipelines.models.image_presets import PRESETS  # noqa: PLC0415
    from pipelines.training.images.loader_benchmark import measure_loader  # noqa: PLC0415

    unknown = sorted(set(preset or ()) - set(PRESETS))
    if unknown:
        raise BadInputError(f"unknown preset {unknown[0]!r}; presets are {', '.join(PRESETS)}")
    settings = Settings()
    with open_store(store or settings.store, settings) as opened, progress_bar("measuring", quiet=json) as advance:
        values = measure_loader(opened, dataset, preset_names=preset or PRESETS, on_progress=advance)
    _show(values, json=json)


@app.command("face-model")
def face_model_command(
    source: Annotated[Path, typer.Option(help="Folder of videos; a dataset version is built from them.")],
    store: Annotated[str, typer.Option(help="Where it is built; empty: in a temporary folder.")] = "",
    portraits: Annotated[Path | None, typer.Option(help="Folder of pictures, for the jitter of stills under camera noise.")] = None,
    extraction: Annotated[
        list[str] | None, typer.Option(help="VIDEO=FILE: coefficients that another program extracted from a video of the source folder.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Measure the face model that a build learns, how well and how fast it is fitted, on your own videos.

    Example: flowvqtalker bench face-model --source videos/ --json
    """
    from flows.face_model_benchmark import run_face_model_benchmark  # noqa: PLC0415 - Dask and Prefect take a second to import

    pairs = [_video_and_file(text) for text in extraction or []]
    with tempfile.TemporaryDirectory(prefix="flowvqtalker-bench-") as folder, progress_bar("measuring", quiet=json) as advance:
        scratch = Path(folder)
        values = run_face_model_benchmark(source, store or str(scratch / "store"), scratch, portraits, pairs, advance)
    if not json:
        values.pop("by_clip")  # too long for a terminal
    _show(values, json=json)


@app.command("demo-truth")
def demo_truth_command(
    clips: Annotated[int, typer.Option(min=16, help="Clips of the demo corpus that is made.")] = 32,
    seed: Annotated[int, typer.Option(help="Of the demo corpus.")] = 7,
    folder: Annotated[Path | None, typer.Option(help="Where corpus and store are made, and kept; none: in a temporary folder.")] = None,
    json: JsonOption = False,
) -> None:
    """Measure how well fitted coefficients follow the truth of a demo corpus: mouth, eyes, brows, head pose and emotion.

    Example: flowvqtalker bench demo-truth --clips 32 --json
    """
    from flows.demo_truth_benchmark import run_demo_truth_benchmark  # noqa: PLC0415 - Dask and Prefect take a second to import

    with tempfile.TemporaryDirectory(prefix="flowvqtalker-bench-") as scratch:
        place = folder or Path(scratch)
        corpus = _made_corpus(place / "corpus", clips, seed=seed, quiet=json)
        values = run_demo_truth_benchmark(corpus, str(place / "store"))
    if json:
        write_json(values)
        return
    series = values.pop("series")
    _show(values, json=False)
    columns = list(next(iter(series.values())))
    write_table(
        "fit against truth", ["", *columns], [[name, *(f"{row[column]:.3f}" for column in columns)] for name, row in series.items()]
    )


@app.command("evaluate")
def evaluate_command(
    clips: Annotated[int, typer.Option(min=2, help="Clips of the demo corpus that is made; of few, much is the start of processes.")] = 48,
    seed: Annotated[int, typer.Option(help="Of the demo corpus.")] = 7,
    repetitions: Annotated[int, typer.Option(min=1, help="Of each way; the fastest counts.")] = 2,
    folder: Annotated[Path | None, typer.Option(help="Where corpus and store are made, and kept; none: in a temporary folder.")] = None,
    json: JsonOption = False,
) -> None:
    """Measure how many frames a second are evaluated, against the straightforward loop with the same metrics.

    Example: flowvqtalker bench evaluate --json
    """
    from flows.evaluation_benchmark import run_evaluation_benchmark  # noqa: PLC0415 - torch takes seconds to import

    with tempfile.TemporaryDirectory(prefix="flowvqtalker-bench-") as scratch:
        place = folder or Path(scratch)
        corpus = _made_corpus(place / "corpus", clips, seed=seed, quiet=json)
        with progress_bar("measuring", quiet=json) as advance:
            values = run_evaluation_benchmark(corpus, str(place / "store"), Path(scratch), repetitions, advance)
    _show(values, json=json)


def _video_and_file(text: str) -> tuple[str, Path]:
    video, equals, file = text.rpartition("=")
    if not (equals and video and file):
        raise BadInputError(f"--extraction {text!r}: expected VIDEO=FILE, e.g. talk.mp4=talk.mat")
    return video, Path(file)


def _open(uri: str) -> Any:  # noqa: ANN401 - an ObjectStore; a named function so that a spawned process can import it
    return open_store(uri, Settings())


def _show(values: dict[str, Any], *, json: bool) -> None:
    if json:
        write_json(values)
        return
    for name, value in values.items():
        write_line(f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}")
