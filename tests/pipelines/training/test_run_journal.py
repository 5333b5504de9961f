from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from pipelines.training.checkpoints import checkpoint_steps, read_last_checkpoint
from pipelines.training.devices import open_fabric
from pipelines.training.loop import TrainingLoop, adamw
from pipelines.training.run_folder import RunFolder
from pipelines.training.run_journal import RunJournal, loop_figures, loop_settings
from storage_schemas.judge_runs import JudgeTrainingSpec
from storage_schemas.training_runs import RunKind
from tests.factories.dataset_versions import local_store

SPEC = JudgeTrainingSpec(steps=40, validate_every=20, learning_rate=0.1, warmup_steps=0)


class Task:
    def batch(self, step: int, rank: int, world_size: int) -> torch.Tensor:  # noqa: ARG002 - the interface
        return torch.ones(2, 3)

    def validate(self, network: nn.Module) -> float:  # noqa: ARG002 - the interface
        return 0.5


class Loss(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": self.network(batch).square().mean()}


def test_a_sitting_leaves_checkpoints_events_and_figures(tmp_path: Path) -> None:
    with local_store(tmp_path / "store") as store:
        folder, fabric = RunFolder(store, RunKind.SYNC, "0" * 16), open_fabric("cpu", 1, "32-true")
        told: list[tuple[int, int, str]] = []
        journal = RunJournal(
            fabric, folder, lambda *progress: told.append(progress), stored=lambda tensors: {name: tensors[name] for name in ("weight",)}
        )
        network = nn.Linear(3, 1)
        optimiser = adamw(network.named_parameters(), 0.0)
        loop = TrainingLoop(fabric, network, Loss(network), optimiser, loop_settings(SPEC, checkpoint_every=20), journal.watcher())
        journal.open(0)
        loop.run(Task())
        loop.checkpoint()
        journal.close()
        assert checkpoint_steps(store, folder.path) == [20, 40]
        found = read_last_checkpoint(store, folder.path)
        assert found is not None
        assert set(found[1]["model"]) == {"weight"}
        assert [path for path, _ in store.list_objects(f"{folder.path}/events")]
        assert list((tmp_path / "store" / "scratch").rglob("events*")) == []
        assert [step for step, _, _ in told] == [20, 40]
        figures = loop_figures(loop, SPEC)
        assert (figures["steps"], figures["stopped_by_time"], set(figures["losses"])) == (40, False, {"loss"})
