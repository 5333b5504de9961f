"""Pure code: what is computed, knowing nothing of Prefect, Dask or s3fs."""
