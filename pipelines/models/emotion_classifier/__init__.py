"""The emotion judge: a residual network over frames with self- and relation-attention."""
