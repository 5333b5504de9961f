"""Runs in a store: their folders, finding them by name, and loading what was trained."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from pipelines.blinks.model import BlinkModel
from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow, CoefficientFlowConfig
from storage_schemas.errors import BadInputError, StoreError
from storage_schemas.identifiers import content_hash
from storage_schemas.image_runs import ImageRunCard
from storage_schemas.judge_runs import JudgeRunCard
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import (
    BLINKS_FILE,
    CARD_FILE,
    COEFFICIENT_KINDS,
    EVENTS_FOLDER,
    LATENTS_FILE,
    RUN_FORMAT,
    RUN_ID_DIGITS,
    RUNS_FOLDER,
    STATISTICS_FILE,
    WEIGHTS_FILE,
    RunCard,
    RunKind,
    run_folder,
)

LATEST = "latest"
_SHOWN = 5

AnyCard = RunCard | ImageRunCard | JudgeRunCard
CardT = TypeVar("CardT", bound=AnyCard)


@dataclass(frozen=True, eq=False)
class RunExtras:
    """What is stored beside the weights.

    Attributes:
        statistics: arrays of `TrainingStatistics`: center, scale, deviation, smallest, largest, low, high, mel_center, mel_scale.
        latents: z (n, F) float32 of training frames and their emotion (n,) int64, index into EMOTIONS.
        blinks: of the training clips; None: not taken out (PoseFlow, no face model, or hardly any blinks).
    """

    statistics: dict[str, Tensor]
    latents: dict[str, Tensor]
    blinks: BlinkModel | None


@dataclass(frozen=True, eq=False)
class LoadedRun:
    """A finished run, ready to sample from.

    Attributes:
        flow: on the CPU, in evaluation mode.
        card: of the run.
        extras: see there.
    """

    flow: CoefficientFlow
    card: RunCard
    extras: RunExtras


def run_id_of(config: BaseModel) -> str:
    """Return the id of the run of a configuration: the same configuration is the same run."""
    return content_hash(config.model_dump(mode="json"))[:RUN_ID_DIGITS]


class RunFolder:
    """The folder of one run.

    Args:
        store: where it is.
        kind: of the run.
        run_id: of the run.
    """

    def __init__(self, store: ObjectStore, kind: RunKind, run_id: str) -> None:
        self.store, self.kind, self.run_id = store, kind, run_id
        self.path = run_folder(kind, run_id)

    @property
    def name(self) -> str:
        """The run as people name it, e.g. "expflow/0123456789abcdef"."""
        return f"{self.kind.value}/{self.run_id}"

    def read_card(self, record: type[CardT]) -> CardT | None:
        """Return the card, which is a record of this type; None: the run is not finished.

        Raises:
            StoreError: it is damaged.
            BadInputError: it is of a newer format.
        """
        try:
            data = self.store.read_bytes(f"{self.path}/{CARD_FILE}")
        except FileNotFoundError:
            return None
        where = f"{self.store.uri}/{self.path}/{CARD_FILE}"
        try:
            if orjson.loads(data)["format"] > RUN_FORMAT:
                raise BadInputError(f"{where} is of a newer format than {RUN_FORMAT}, the newest this program reads; update flowvqtalker")
            return TypeAdapter(record).validate_json(data)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValidationError) as error:
            raise StoreError(
                f"{where}: expected the card of a run, found {len(data)} bytes that are none ({error}); train it again"
            ) from error

    def write_record(self, name: str, record: BaseModel) -> None:
        """Write a record as JSON that people can read."""
        options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
        self.store.write_bytes(f"{self.path}/{name}", orjson.dumps(record.model_dump(mode="json"), option=options))

    def write_json(self, name: str, value: dict[str, object]) -> None:
        """Write a JSON object."""
        self.store.write_bytes(f"{self.path}/{name}", orjson.dumps(value, option=orjson.OPT_SORT_KEYS))

    def write_tensors(self, name: str, tensors: dict[str, Tensor]) -> str:
        """Write tensors as safetensors and return the SHA-256."""
        data = save({key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()})
        self.store.write_bytes(f"{self.path}/{name}", data)
        return hashlib.sha256(data).hexdigest()

    def read_tensors(self, name: str, sha256: str = "") -> dict[str, Tensor]:
        """Read tensors; StoreError if they are missing, damaged or other than expected."""
        where = f"{self.store.uri}/{self.path}/{name}"
        try:
            data = self.store.read_bytes(f"{self.path}/{name}")
            if sha256 and hashlib.sha256(data).hexdigest() != sha256:
                raise StoreError(f"{where} does not have the SHA-256 {sha256} of its card; restore it or train it again with --fresh")
            tensors: dict[str, Tensor] = load(data)
        except (FileNotFoundError, SafetensorError) as error:
            raise StoreError(f"{where} is missing or damaged ({error}); restore it or train it again with --fresh") from error
        return tensors

    def upload_events(self, folder: Path) -> None:
        """Copy a folder of TensorBoard files to the run's."""
        for path in sorted(folder.iterdir()):
            self.store.write_bytes(f"{self.path}/{EVENTS_FOLDER}/{path.name}", path.read_bytes())

    def remove(self) -> None:
        """Remove the run, its card first."""
        self.store.delete(f"{self.path}/{CARD_FILE}")
        self.store.delete_folder(self.path)


def list_runs(store: ObjectStore, kind: RunKind) -> list[RunCard]:
    """Return the cards of the finished runs of ExpFlow or PoseFlow, oldest first."""
    return list_cards(store, kind, RunCard)


def list_cards(store: ObjectStore, kind: RunKind, record: type[CardT]) -> list[CardT]:
    """Return the cards of the finished runs of a kind, oldest first."""
    folders = [RunFolder(store, kind, name) for name in store.list_folders(f"{RUNS_FOLDER}/{kind.value}")]
    cards = [card for card in (folder.read_card(record) for folder in folders) if card is not None]
    return sorted(cards, key=lambda card: (card.created, card.run_id))


def resolve_run(store: ObjectStore, name: str, kind: RunKind | None = None) -> RunCard:
    """Return the card of the finished run of ExpFlow or PoseFlow that is meant.

    Args:
        store: where it is.
        name: "expflow/<run id>", with a beginning of the id, or "expflow/latest"; without the kind where `kind` says it.
        kind: what it must be; None: what the name says.

    Raises:
        BadInputError: none or several are meant, or it is of another kind.
    """
    return resolve_card(store, name, COEFFICIENT_KINDS if kind is None else (kind,), RunCard)


def resolve_card(store: ObjectStore, name: str, kinds: Sequence[RunKind], record: type[CardT]) -> CardT:
    """Return the card of the finished run that is meant.

    Args:
        store: where it is.
        name: "<kind>/<run id>", with a beginning of the id, or "<kind>/latest"; without the kind where only one is possible.
        kinds: that it may be of.
        record: what their cards are.

    Raises:
        BadInputError: none or several are meant, or it is of another kind.
    """
    folder, _, wanted = name.rpartition("/")
    if folder not in ("", *RunKind) or (not folder and len(kinds) > 1):
        raise BadInputError(
            f"{name!r} is no name of a run; expected {' or '.join(f'{item.value}/<run id>' for item in kinds)}, or latest for the id"
        )
    if folder not in ("", *kinds):
        raise BadInputError(f"expected a run of {' or '.join(item.value for item in kinds)}, found {name!r}")
    cards = list_cards(store, RunKind(folder) if folder else kinds[0], record)
    found = cards[-1:] if wanted == LATEST else [card for card in cards if wanted and card.run_id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(card.run_id for card in cards[-_SHOWN:]) or "none; train one with `flowvqtalker train`"
    raise BadInputError(f"{store.uri} has {len(found)} finished runs {name!r}; finished runs are {known}")


def load_coefficient_flow(store: ObjectStore, name: str, kind: RunKind | None = None) -> LoadedRun:
    """Return a finished run with its network and what belongs to it.

    Args:
        store: where it is.
        name: see `resolve_run`.
        kind: see `resolve_run`.

    Raises:
        BadInputError: there is no such run.
        StoreError: it is damaged.
    """
    card = resolve_run(store, name, kind)
    folder = RunFolder(store, card.kind, card.run_id)
    flow = CoefficientFlow(CoefficientFlowConfig(**card.config.network))
    try:
        flow.load_state_dict(folder.read_tensors(WEIGHTS_FILE, card.weights_sha256))
    except RuntimeError as error:
        raise StoreError(f"the weights of {folder.name} do not fit this version's network: {error}; train it again") from error
    extras = RunExtras(folder.read_tensors(STATISTICS_FILE), folder.read_tensors(LATENTS_FILE), _blinks(folder))
    return LoadedRun(flow.eval(), card, extras)


def _blinks(folder: RunFolder) -> BlinkModel | None:
    path = f"{folder.path}/{BLINKS_FILE}"
    return BlinkModel.from_json(orjson.loads(folder.store.read_bytes(path))) if folder.store.exists(path) else None
