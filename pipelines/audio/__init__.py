"""Loading speech on the video's clock and turning it into features."""
