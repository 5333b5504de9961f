"""Speech engines: from a text to a sound file, by espeak-ng, any command or any Python function, each in a process of its own."""
