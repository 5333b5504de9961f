"""What a build says of itself when it ends."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class BuildSummary(BaseModel):
    """The result of one build; printed by ``flowvqtalker build --json`` and shown as an artifact."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset_version: str
    recipe: str
    unchanged: bool = Field(description="The version was there before: nothing had changed")
    previous_version: str = Field("", description="Version that the tag named before, or the newest other one of that name; empty: none")
    changes: dict[str, int] = Field(default_factory=dict, description="Number of clips by what became of them since that version")
    versions_given_up: list[str] = Field(default_factory=list, description="Earlier versions that the policy has removed")
    store: str
    tag: str
    recordings: int = Field(description="Recordings the corpus lists")
    clips_accepted: int
    clips_rejected: int = Field(description="Rows of the version's rejections: recordings or pieces of them")
    rejections_by_reason: dict[str, int]
    frames: int = Field(description="25 fps frames of the accepted clips")
    face_model: str = Field(description="Id of the face model of the coefficients; empty: the version has none")
    notes: list[str] = Field(default_factory=list, description="What is special about the version, e.g. why it has no coefficients")
    parts_total: int = Field(description="Parts of the version, each with up to four families")
    parts_built: int = Field(description="Parts of which at least one family was written by this run")
    parts_built_by_family: dict[str, int]
    recordings_processed: int = Field(description="Recordings that this run decoded")
    recordings_reused: int = Field(description="Recordings that this run copied from parts of an earlier version")
    keep_rate: float = Field(description="Share of recordings with at least one clip")
    seconds: float = Field(description="Wall-clock time of the whole run")
    startup_seconds: float = Field(description="The part of it before the first recording: server, cluster and imports")
    report: str = Field(description="Path of the HTML report relative to the store")

    def lines(self) -> list[str]:
        """Return the summary as lines for a terminal."""
        state = "unchanged" if self.unchanged else "new"
        lines = [
            f"dataset version {self.dataset_version} ({state}) in {self.store}" + (f", tagged {self.tag}" if self.tag else ""),
            f"  {self.clips_accepted} clips, {self.frames} frames from {self.recordings} recordings (keep-rate {self.keep_rate:.1%})",
            f"  {self.parts_built} of {self.parts_total} parts built, {self.recordings_processed} recordings decoded, "
            f"{self.recordings_reused} copied from earlier parts",
            f"  {self.seconds:.1f} s, of which {self.startup_seconds:.1f} s start-up",
        ]
        if self.changes:
            counts = ", ".join(f"{count} {name}" for name, count in self.changes.items() if count)
            lines.append(f"  since {self.previous_version}: {counts}")
        if self.versions_given_up:
            lines.append(f"  given up: {', '.join(self.versions_given_up)}")
        if self.clips_rejected:
            reasons = ", ".join(f"{reason} {count}" for reason, count in self.rejections_by_reason.items())
            lines.append(f"  {self.clips_rejected} rejected: {reasons}")
        lines += [f"  note: {note}" for note in self.notes]
        lines.append(f"  report: {self.store.rstrip('/')}/{self.report}")
        return lines
