"""Reading the layouts in which talking-face corpora are downloaded."""
