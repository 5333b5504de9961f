"""Videos of several methods shown together: read on one clock, drawn side by side with their names."""
