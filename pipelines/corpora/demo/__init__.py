"""A talking-face corpus synthesised from one public-domain portrait and offline speech, with its ground truth."""
