"""From a listing of recordings to an immutable dataset version."""
