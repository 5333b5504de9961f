"""How near any method's videos come to the true ones: the metrics of the papers, each with its protocol pinned."""
