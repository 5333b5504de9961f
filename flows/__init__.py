"""The flows people trigger, and the command line."""
