"""Every kind of hostile file."""

from __future__ import annotations

from tests.factories.hostile_broken_kinds import DAMAGED, LIES
from tests.factories.hostile_kind import Kind
from tests.factories.hostile_whole_kinds import CONTENT, NO_MEDIA, SPECIAL, UNUSUAL

KINDS: tuple[Kind, ...] = (*UNUSUAL, *DAMAGED, *NO_MEDIA, *CONTENT, *LIES, *SPECIAL)
