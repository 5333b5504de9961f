"""Codes of a version's frames by a codebook: computed once, and kept in the store beside the families that they are made of.

parts/codes/<first two of key>/<key>/codes.safetensors   codes (frames, m, m) int16, the frames of clips of one frames part
parts/codes/<first two of key>/<key>/codes.json          CodesIndex, written last

The key is a hash of clips, codebook and window, so another codebook has codes of its own, and the generator's variants share theirs.
No version names them: `dataset gc` may remove them, and they are computed again.
"""

from __future__ import annotations

import hashlib
import shutil

import numpy as np
import orjson
import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save

from pipelines.models.image_codebook.pictures import from_bytes
from pipelines.training.images.loaded_frames import FramePlace, LoadedFrames
from pipelines.training.images.run_loading import LoadedCodebook
from pipelines.training.window_plan import IntArray
from storage_schemas.errors import StoreError
from storage_schemas.identifiers import content_hash
from storage_schemas.image_runs import CODES_FILE, CODES_INDEX_FILE, CodesIndex, ImageTrainingSpec, codes_path
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.store_trouble import store_trouble

_BATCH = 16
_CODES = "codes"
_KEY_DIGITS = 32


class TargetCodeCache:
    """Target codes of loaded clips, from the store or computed and put there.

    Args:
        store: where they are kept.
        loaded: the codebook.
        device: on which codes are computed.
        spec: of the training: its window and its precision.
    """

    def __init__(self, store: ObjectStore, loaded: LoadedCodebook, device: torch.device, spec: ImageTrainingSpec) -> None:
        self._store, self._card, self._device, self._spec = store, loaded.card, device, spec
        self._codebook = loaded.codebook.to(device)

    def __call__(self, loaded: LoadedFrames) -> list[IntArray]:
        """Return the codes (frames, m, m) of each clip.

        Raises:
            StoreError: the store cannot be read or written.
        """
        by_part: dict[str, list[int]] = {}
        for number, clip in enumerate(loaded.clips):
            by_part.setdefault(clip.frames_part, []).append(number)
        found: dict[int, IntArray] = {}
        for part, numbers in by_part.items():
            found |= dict(zip(numbers, self._of_part(loaded, part, numbers), strict=True))
        return [found[number] for number in range(len(loaded.clips))]

    def _of_part(self, loaded: LoadedFrames, part: str, numbers: list[int]) -> list[IntArray]:
        clips = {loaded.clips[number].clip_key: len(loaded.clips[number].jpegs) for number in numbers}
        identity = {
            "frames_part": part, "codebook": self._card.run_id, "codebook_sha256": self._card.weights_sha256,
            "window_iods": self._spec.window_iods, "precision": self._spec.precision, "clips": clips,
        }  # fmt: skip
        path = codes_path(content_hash(identity)[:_KEY_DIGITS])
        codes = self._read(path)
        if codes is None:
            codes = torch.cat([self._computed(loaded, number) for number in numbers])
            self._write(path, identity, codes)
        rows = np.asarray(codes.numpy(), np.int64)
        return np.split(rows, np.cumsum(list(clips.values()))[:-1])

    @torch.no_grad()
    def _computed(self, loaded: LoadedFrames, clip: int) -> torch.Tensor:
        frames = [FramePlace(clip, frame) for frame in range(len(loaded.clips[clip].jpegs))]
        batches = []
        for start in range(0, len(frames), _BATCH):
            pictures = loaded.pictures(frames[start : start + _BATCH])
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self._spec.precision == "bf16-mixed"):
                codes = self._codebook.encode(from_bytes(torch.from_numpy(pictures).to(self._device)))
            batches.append(codes.to(torch.int16).cpu())
        return torch.cat(batches)

    def _read(self, path: str) -> torch.Tensor | None:
        try:
            index = CodesIndex.model_validate_json(self._store.read_bytes(f"{path}/{CODES_INDEX_FILE}"))
            data = self._store.read_bytes(f"{path}/{CODES_FILE}")
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise StoreError(f"{self._store.uri}/{path}/{CODES_INDEX_FILE} is damaged; remove the folder ({error})") from error
        if hashlib.sha256(data).hexdigest() != index.sha256:
            raise StoreError(f"{self._store.uri}/{path}/{CODES_FILE} does not have its SHA-256 {index.sha256}; remove the folder")
        try:
            codes: torch.Tensor = load(data)[_CODES]
        except (SafetensorError, KeyError) as error:
            raise StoreError(f"{self._store.uri}/{path}/{CODES_FILE} is damaged ({error}); remove the folder") from error
        return codes

    def _write(self, path: str, identity: dict[str, object], codes: torch.Tensor) -> None:
        data = save({_CODES: codes.contiguous()})
        index = CodesIndex.model_validate({**identity, "sha256": hashlib.sha256(data).hexdigest()})
        scratch = self._store.scratch_folder()
        try:
            folder = scratch / "codes"
            with store_trouble("write", folder):
                folder.mkdir()
                (folder / CODES_FILE).write_bytes(data)
                (folder / CODES_INDEX_FILE).write_bytes(orjson.dumps(index.model_dump(mode="json"), option=orjson.OPT_INDENT_2))
            self._store.publish_folder(folder, path, CODES_INDEX_FILE)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
