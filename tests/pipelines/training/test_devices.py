from __future__ import annotations

import pytest
import torch

from pipelines.training.devices import device_name, open_fabric
from storage_schemas.errors import BadInputError


def test_devices_that_are_not_there_or_do_not_fit() -> None:
    with pytest.raises(BadInputError, match="--devices 3 must divide batch_frames, which is 4"):
        open_fabric("cpu", 3, "32-true", ("batch_frames", 4))
    if not torch.cuda.is_available():
        with pytest.raises(BadInputError, match="no CUDA device"):
            open_fabric("cuda", 1, "32-true")


def test_a_processor_has_a_name() -> None:
    fabric = open_fabric("cpu", 1, "32-true")
    assert fabric.device.type == "cpu"
    assert device_name(fabric.device).startswith("cpu (")


def test_a_job_of_slurm_is_not_taken_for_several_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SLURM_NTASKS": "4", "SLURM_JOB_NAME": "build", "SLURM_PROCID": "2", "SLURM_LOCALID": "2"}.items():
        monkeypatch.setenv(name, value)

    fabric = open_fabric("cpu", 1, "32-true")

    assert (fabric.world_size, fabric.global_rank) == (1, 0)
