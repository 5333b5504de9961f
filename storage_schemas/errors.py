"""The four ways in which something can go wrong, told apart by type."""

from __future__ import annotations

from storage_schemas.rejections import RejectionReason, Stage


class ItemRejectedError(Exception):
    """One item is unusable: recorded as a rejection, never fatal to the build.

    Attributes:
        stage: where it was found out.
        reason: the stored reason code.
        message: one sentence with what was expected and what was found.
        details: the numbers behind the decision.
    """

    def __init__(self, stage: Stage, reason: RejectionReason, message: str, details: dict[str, float | int | str] | None = None) -> None:
        super().__init__(f"{stage.value}/{reason.value}: {message}")
        self.stage = stage
        self.reason = reason
        self.message = message
        self.details = details or {}


class BadInputError(ValueError):
    """What the user asked for cannot be done: a wrong specification, path or id; exit code 2."""


class StoreError(RuntimeError):
    """The store cannot be read or written (full, read-only, unreachable); nothing published is harmed; exit code 1."""


class BuildFailedError(RuntimeError):
    """The build ended without a version that may be published; exit code 1."""
