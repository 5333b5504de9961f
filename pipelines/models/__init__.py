"""The neural networks, and differentiable geometry for them; they take tensors and open no files."""
