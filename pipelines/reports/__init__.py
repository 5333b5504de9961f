"""Self-contained HTML reports of dataset versions."""
