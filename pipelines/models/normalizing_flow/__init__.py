"""The normalizing flows that give expression (ExpFlow) and head pose (PoseFlow) coefficients, frame by frame."""
