"""Loading trained codebooks and image generators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from pydantic import TypeAdapter
from torch import Tensor, nn

from pipelines.models.image_codebook.codebook import ImageCodebook
from pipelines.models.image_codebook.settings import CodebookSettings
from pipelines.models.image_generator.generator import ImageGenerator
from pipelines.models.image_generator.settings import GeneratorSettings
from pipelines.training.run_folder import RunFolder, resolve_card
from storage_schemas.errors import StoreError
from storage_schemas.image_runs import ImageRunCard, ImageTrainingSpec
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import STATISTICS_FILE, WEIGHTS_FILE, RunKind

_CODEBOOK: TypeAdapter[CodebookSettings] = TypeAdapter(CodebookSettings)
_GENERATOR: TypeAdapter[GeneratorSettings] = TypeAdapter(GeneratorSettings)
_FROZEN = "codebook."


@dataclass(frozen=True, eq=False)
class LoadedCodebook:
    """A finished run of the codebook: the network on the CPU, in evaluation mode and frozen, and its card."""

    codebook: ImageCodebook
    card: ImageRunCard


@dataclass(frozen=True, eq=False)
class LoadedGenerator:
    """A finished run of the image generator.

    Attributes:
        generator: on the CPU, in evaluation mode; its own `codebook` is the next.
        codebook: E_h, C and D_h, frozen.
        card: of the run.
        statistics: mean and stddev (70,) of the training clips' (beta, rho), rho in units of the window.
        settings: of the training: `window_iods` says which window of a crop the pictures are, see `face_window`.
    """

    generator: ImageGenerator
    codebook: ImageCodebook
    card: ImageRunCard
    statistics: dict[str, Tensor]
    settings: ImageTrainingSpec


def codebook_settings(network: dict[str, Any]) -> CodebookSettings:
    """Return the sizes of a codebook as a run's configuration has them."""
    return _CODEBOOK.validate_python(network)


def generator_settings(network: dict[str, Any]) -> GeneratorSettings:
    """Return the sizes of a generator as a run's configuration has them."""
    return _GENERATOR.validate_python(network)


def load_codebook(store: ObjectStore, name: str) -> LoadedCodebook:
    """Return a finished codebook.

    Args:
        store: where it is.
        name: "codebook/<run id>", with a beginning of the id, or "codebook/latest"; the kind may be left out.

    Raises:
        BadInputError: there is no such run.
        StoreError: it is damaged.
    """
    card = resolve_card(store, name, (RunKind.CODEBOOK,), ImageRunCard)
    codebook = _new_codebook(card)
    _load(RunFolder(store, card.kind, card.run_id), card, codebook)
    return LoadedCodebook(codebook.eval().requires_grad_(requires_grad=False), card)


def load_image_generator(store: ObjectStore, name: str) -> LoadedGenerator:
    """Return a finished image generator with the codebook that it was trained on.

    Args:
        store: where they are.
        name: "vqig/<run id>", with a beginning of the id, or "vqig/latest"; the kind may be left out.

    Raises:
        BadInputError: there is no such run, or its codebook is gone.
        StoreError: one of them is damaged.
    """
    card = resolve_card(store, name, (RunKind.VQIG,), ImageRunCard)
    folder = RunFolder(store, card.kind, card.run_id)
    loaded = load_codebook(store, card.codebook)
    generator = ImageGenerator(generator_settings(card.config.network), loaded.codebook)
    _load(folder, card, generator)
    statistics = folder.read_tensors(STATISTICS_FILE)
    return LoadedGenerator(generator.eval(), loaded.codebook, card, statistics, card.config.training)


def _new_codebook(card: ImageRunCard) -> ImageCodebook:
    return ImageCodebook(codebook_settings(card.config.network))


def _load(folder: RunFolder, card: ImageRunCard, network: nn.Module) -> None:
    tensors = folder.read_tensors(WEIGHTS_FILE, card.weights_sha256)
    try:
        with torch.no_grad():
            result = network.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        raise StoreError(f"the weights of {folder.name} do not fit this version's network: {error}; train it again") from error
    missing = [name for name in result.missing_keys if not name.startswith(_FROZEN)]
    if missing or result.unexpected_keys:
        raise StoreError(
            f"the weights of {folder.name} do not fit this version's network: missing {missing[:3]}, "
            f"unexpected {result.unexpected_keys[:3]}; train it again"
        )
