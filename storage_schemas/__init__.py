"""Records and byte layouts of everything that is stored: pydantic models and Arrow schemas, no torch, no orchestrator."""
