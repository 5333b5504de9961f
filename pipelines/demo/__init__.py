"""What the demonstration renders, what is measured of it, and its page."""
