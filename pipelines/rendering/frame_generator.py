"""Frames from a trained generator: the portrait is encoded once, frames are made in batches and become bytes on the device."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipelines.models.face_motion import face_motion
from pipelines.models.image_codebook.pictures import from_bytes, to_bytes
from pipelines.models.image_generator.generator import EncodedPortrait, GeneratedFrames, ImageGenerator
from pipelines.models.image_generator.mapping import windows_of
from pipelines.models.motion_field import FaceCoefficients, MotionFields, SeenFaces, extend_motion
from pipelines.rendering.portrait_preparation import Portrait
from pipelines.rendering.recorded_batch import RecordedBatch
from pipelines.rendering.rendering_model import RenderingModel

Float32Array = NDArray[np.float32]
Rows = Sequence[int] | NDArray[np.int64]


class Precision(StrEnum):
    """In what the networks compute; coefficients, motion and places are float32 always."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"

    @property
    def dtype(self) -> torch.dtype:
        """The type of torch."""
        return torch.float32 if self is Precision.FLOAT32 else torch.bfloat16


@dataclass(frozen=True)
class RenderSettings:
    """How frames are made; none of it is to be seen in them.

    Attributes:
        device: cpu or cuda.
        precision: see there.
        batch_frames: frames made at once.
        compile: by torch.compile, which takes a minute or so before the first frame.
        cuda_graphs: record the work of a batch once and replay it; for CUDA alone.
    """

    device: str = "cpu"
    precision: Precision = Precision.FLOAT32
    batch_frames: int = 8
    compile: bool = False
    cuda_graphs: bool = False

    def __post_init__(self) -> None:
        if self.batch_frames < 1:
            raise ValueError(f"a batch has at least 1 frame, found {self.batch_frames}")
        if self.cuda_graphs and torch.device(self.device).type != "cuda":
            raise ValueError(f"CUDA graphs need a CUDA device, found {self.device}")


@dataclass(frozen=True, eq=False)
class PortraitCode:
    """A portrait as the generator has encoded it, with a batch of 1.

    Attributes:
        encoded: codes and maps.
        identity: (1, identity modes).
        seen: the portrait's face for motion fields; None where there are none.
    """

    encoded: EncodedPortrait
    identity: Tensor
    seen: SeenFaces | None


def joined(portraits: Sequence[PortraitCode], *, always: bool = False) -> PortraitCode:
    """Return the codes of a batch of frames as one: that of the portrait where all are the same one, unless `always`."""
    runs = [(portrait, len(list(run))) for portrait, run in itertools.groupby(portraits)]
    if len(runs) == 1 and not always:
        return portraits[0]
    repeated = [
        PortraitCode(portrait.encoded.repeated(count), portrait.identity.expand(count, -1), _expanded(portrait.seen, count))
        for portrait, count in runs
    ]
    return PortraitCode(
        _concatenated([part.encoded for part in repeated]),
        torch.cat([part.identity for part in repeated]),
        _concatenated([part.seen for part in repeated]),
    )


def _expanded(seen: SeenFaces | None, count: int) -> SeenFaces | None:
    return None if seen is None else SeenFaces(*(part.expand(count, *part.shape[1:]) for part in seen))


def _concatenated(parts: Sequence[Any]) -> Any:  # noqa: ANN401 - nested tuples of tensors have no type of their own
    first = parts[0]
    if first is None:
        return None
    if isinstance(first, Tensor):
        return torch.cat(list(parts))
    columns = [_concatenated(column) for column in zip(*parts, strict=True)]
    return type(first)(*columns) if hasattr(first, "_fields") else tuple(columns)


class FrameGenerator:
    """Makes frames of portraits.

    The model stays as it is: the generator is copied to the device.

    Args:
        model: trained generator.
        settings: device, precision, batches.
    """

    def __init__(self, model: RenderingModel, settings: RenderSettings | None = None) -> None:
        self.settings = settings or RenderSettings()
        self.model = model
        self._device = torch.device(self.settings.device)
        self._generator = _in_precision(model.generator, self._device, self.settings.precision)
        self._window = model.generator.settings.mapping.window
        self._motion = None
        if model.generator.settings.bootstrap and model.face_model is not None:
            self._motion = face_motion(model.face_model, model.field_size_px).to(self._device)
        self._draw: Callable[[EncodedPortrait, Tensor, MotionFields | None], Tensor] = self._pictures
        if self.settings.compile:
            self._draw = torch.compile(self._pictures, dynamic=False)
        self._graph: RecordedBatch | None = None

    @torch.inference_mode()
    def encode(self, portrait: Portrait) -> PortraitCode:
        """Encode a portrait, once for all its frames.

        Raises:
            ValueError: it has another size, or was fitted with another face model.
        """
        size_px, margin_px = self.model.size_px, self.model.surroundings_px
        if portrait.rgb.shape != (size_px, size_px, 3) or portrait.surroundings_px != margin_px:
            raise ValueError(
                f"{self.model.run_id} wants portraits of {size_px} x {size_px} px and {margin_px} px around them, "
                f"{portrait.name} has {portrait.rgb.shape} and {portrait.surroundings_px} px"
            )
        if self.model.face_model is not None and portrait.face_model != self.model.face_model.model_id:
            raise ValueError(
                f"{self.model.run_id} wants coefficients of {self.model.face_model.model_id}, {portrait.name} has {portrait.face_model}"
            )
        return self.encode_arrays(portrait.surrounded, portrait.identity, np.concatenate([portrait.beta, portrait.rho]))

    @torch.inference_mode()
    def encode_arrays(self, rgb: NDArray[np.uint8], identity: Float32Array, coefficients: Float32Array) -> PortraitCode:
        """Encode a picture (size + 2 surroundings, likewise, 3) with its identity (modes,) and (beta, rho) (70,)."""
        pictures = from_bytes(self._tensor(rgb[None]), self.settings.precision.dtype)
        own, alpha = self._tensor(coefficients[None]), self._tensor(identity[None])
        encoded = self._generator.encode_portrait(pictures, own)
        seen = None if self._motion is None else self._motion.see(FaceCoefficients(alpha, own[:, :64], own[:, 64:]))
        return PortraitCode(encoded, alpha, seen)

    def frames(
        self, portrait: PortraitCode, beta: Float32Array, rho: Float32Array, rows: Rows | None = None
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield frames (n, size, size, 3) uint8 RGB, batch by batch, n being `batch_frames` but for the last.

        Args:
            portrait: of `encode`.
            beta: (frames, 64).
            rho: (frames, 6), placed as in the generator's training clips (`Portrait.placed`).
            rows: which frames are made; None: all.
        """
        for batch in self.device_frames(portrait, beta, rho, rows):
            yield batch.cpu().numpy()

    def device_frames(self, portrait: PortraitCode, beta: Float32Array, rho: Float32Array, rows: Rows | None = None) -> Iterator[Tensor]:
        """Yield what `frames` does as tensors on the device; each is valid until the next one is asked for."""
        for count, windows, fields in self._inputs(portrait, beta, rho, rows):
            with torch.inference_mode():
                batch = self._made(portrait, windows, fields)
            yield batch[:count]

    def details(self, portrait: PortraitCode, beta: Float32Array, rho: Float32Array, rows: Rows | None = None) -> Iterator[GeneratedFrames]:
        """Yield what the networks give, the warped portraits among it, for frames as in `frames`."""
        for count, windows, fields in self._inputs(portrait, beta, rho, rows):
            with torch.inference_mode():
                made: GeneratedFrames = self._generator(portrait.encoded, windows, fields)
            yield GeneratedFrames(*(None if part is None else part[:count] for part in made))  # type: ignore[arg-type]

    @torch.inference_mode()
    def mixed(self, portraits: Sequence[PortraitCode], windows: Float32Array) -> Tensor:
        """Return frames (n, size, size, 3) uint8 on the device, each of a portrait of its own; valid until the next call.

        Args:
            portraits: of `encode`, one for each frame; at most `batch_frames`, and fewer are filled up as in `frames`.
            windows: (n, window, 70) of (beta, rho) around each frame.
        """
        count, size = len(portraits), self.settings.batch_frames
        if not 1 <= count <= size:
            raise ValueError(f"expected 1 to {size} frames, found {count}")
        code = joined([*portraits, *[portraits[-1]] * (size - count)], always=self.settings.cuda_graphs)
        filled = np.concatenate([windows, np.repeat(windows[-1:], size - count, axis=0)])
        coefficients = self._tensor(filled)
        fields = self.fields(code, coefficients[:, self._window // 2])
        return self._made(code, coefficients, fields)[:count]

    @property
    def window(self) -> int:
        """Frames of (beta, rho) that a frame is made of."""
        return self._window

    @torch.inference_mode()
    def fields(self, portrait: PortraitCode, coefficients: Tensor) -> MotionFields | None:
        """Return the motion from the portrait to faces of (beta, rho) (batch, 70); None where the generator wants none."""
        if self._motion is None or portrait.seen is None:
            return None
        identity = portrait.identity.expand(len(coefficients), -1)
        found = self._motion.fields(portrait.seen, FaceCoefficients(identity, coefficients[:, :64], coefficients[:, 64:]))
        return found._replace(motion=extend_motion(found.motion, found.known))

    def _inputs(
        self, portrait: PortraitCode, beta: Float32Array, rho: Float32Array, rows: Rows | None
    ) -> Iterator[tuple[int, Tensor, MotionFields | None]]:
        """Yield number of frames, windows and motion of each batch."""
        coefficients = self._tensor(np.concatenate([beta, rho], axis=1).astype(np.float32))
        chosen = torch.arange(len(coefficients)) if rows is None else torch.as_tensor(np.asarray(rows, np.int64))
        windows, size = windows_of(coefficients, self._window), self.settings.batch_frames
        for start in range(0, len(chosen), size):
            # All batches are of one size, which compiled networks and recorded graphs want; the surplus is thrown away.
            places = chosen[torch.arange(start, start + size).clamp(max=len(chosen) - 1)].to(self._device)
            yield min(size, len(chosen) - start), windows[places], self.fields(portrait, coefficients[places])

    def _made(self, portrait: PortraitCode, windows: Tensor, fields: MotionFields | None) -> Tensor:
        if not self.settings.cuda_graphs:
            return self._draw(portrait.encoded, windows, fields)
        if self._graph is None:
            self._graph = RecordedBatch(self._draw, (portrait.encoded, windows, fields))
        return self._graph((portrait.encoded, windows, fields))

    def _pictures(self, portrait: EncodedPortrait, windows: Tensor, fields: MotionFields | None) -> Tensor:
        return to_bytes(self._generator(portrait, windows, fields).pictures)

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)


class _InPrecision(nn.Module):
    """The mapping network in float32 among others of less precision: normalising coefficients needs their digits."""

    def __init__(self, mapping: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.mapping, self.dtype = mapping, dtype

    def forward(self, windows: Tensor, portrait: Tensor | None) -> Tensor:
        descriptor: Tensor = self.mapping(windows, portrait)
        return descriptor.to(self.dtype)


def _in_precision(generator: ImageGenerator, device: torch.device, precision: Precision) -> ImageGenerator:
    placed = copy.deepcopy(generator).eval().requires_grad_(requires_grad=False).to(precision.dtype)
    placed.add_module("mapping", _InPrecision(copy.deepcopy(generator.mapping), precision.dtype))
    placed.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed
