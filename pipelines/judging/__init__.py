"""Our own judges of lip-sync and emotion: the windows they look at, loading them, their scores, and what they leave out of a build."""
