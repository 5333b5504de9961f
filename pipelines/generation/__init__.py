"""Generation: from audio, a source face and an emotion to sequences of expression and pose coefficients."""
