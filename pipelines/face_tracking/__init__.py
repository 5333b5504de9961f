"""Finding one face through a video, its landmarks and its crop window."""
