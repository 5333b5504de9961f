"""The paper's ablation studies from one file: variants trained on one dataset version, their tables and pictures."""
