"""The devices of a training, as Fabric and as the card of a run names them."""

from __future__ import annotations

import logging
import platform
from typing import Literal

import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments.lightning import LightningEnvironment

from storage_schemas.errors import BadInputError

TrainingPrecision = Literal["32-true", "bf16-mixed"]


def open_fabric(
    device: str, devices: int, precision: TrainingPrecision, batch: tuple[str, int] = ("batch", 0), strategy: str = "auto"
) -> Fabric:
    """Return Fabric for one process or several.

    Args:
        device: auto, cpu or cuda.
        devices: processes, each with a device of its own.
        precision: of the arithmetic.
        batch: name of the setting that says how large a batch is, and its value, which `devices` must divide.
        strategy: Fabric's.

    Raises:
        BadInputError: the devices are not there, or do not divide the batch.
    """
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise BadInputError("--device cuda: this machine has no CUDA device, or torch was installed without CUDA; use --device cpu")
    chosen = ("cuda" if available else "cpu") if device == "auto" else device
    if chosen == "cuda" and devices > torch.cuda.device_count():
        raise BadInputError(f"--devices {devices}: this machine has {torch.cuda.device_count()} CUDA devices")
    setting, items = batch
    if items % devices:
        raise BadInputError(f"--devices {devices} must divide {setting}, which is {items}")
    logging.getLogger("lightning.pytorch.utilities.rank_zero").setLevel(logging.WARNING)  # it announces each precision
    # Its processes are always started here, also within a job of SLURM, whose tasks Fabric would otherwise take them for.
    environment = LightningEnvironment()
    return Fabric(accelerator=chosen, devices=devices, precision=precision, strategy=strategy, plugins=environment)


def device_name(device: torch.device) -> str:
    """Return what a card says of a device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu ({platform.machine()})"
