"""The ``flowvqtalker`` command: exit code 0 fine, 1 failed, 2 bad input."""

from __future__ import annotations

import logging
import sys

import typer

from flows.commands import (
    ablation,
    bench,
    build,
    coefficients,
    corpus,
    dataset,
    demo,
    evaluate,
    face_model,
    images,
    judges,
    render,
    scripts,
    services,
    side_by_side,
    study,
    train,
)
from flows.commands.console import say_error
from storage_schemas.errors import BadInputError, BuildFailedError, StoreError

app = typer.Typer(
    name="flowvqtalker",
    help="Emotional talking-face generation: raw videos in, versioned datasets out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.add_typer(corpus.app, name="corpus")
app.command("build")(build.build)
app.add_typer(dataset.app, name="dataset")
app.add_typer(face_model.app, name="face-model")
app.add_typer(train.app, name="train")
app.add_typer(coefficients.app, name="coefficients")
app.add_typer(images.app, name="images")
app.add_typer(judges.app, name="judges")
app.add_typer(scripts.app, name="scripts")
app.command("render")(render.render_command)
app.command("talk")(render.talk_command)
evaluate.app.add_typer(study.app, name="study")
evaluate.app.command("side-by-side")(side_by_side.side_by_side_command)
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(ablation.app, name="ablation")
app.command("up")(services.up)
app.command("status")(services.status)
app.command("deploy")(services.deploy)
app.add_typer(bench.app, name="bench")


def main() -> None:
    """Run the command line and leave with its exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        app(standalone_mode=True)
    except BadInputError as error:
        say_error(str(error))
        sys.exit(2)
    except (BuildFailedError, StoreError) as error:
        say_error(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        say_error("stopped; run the same command again to go on")
        sys.exit(130)


if __name__ == "__main__":
    main()
