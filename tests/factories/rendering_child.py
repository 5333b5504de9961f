"""A list rendered in a process of its own, to be killed: python -m tests.factories.rendering_child REQUEST SCRATCH."""

from __future__ import annotations

import sys
from pathlib import Path

from storage_schemas.render_request import RenderRequest
from tests.factories.render_stores import rendered

if __name__ == "__main__":
    rendered(RenderRequest.model_validate_json(Path(sys.argv[1]).read_bytes()), Path(sys.argv[2]))
