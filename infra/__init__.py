"""Settings, object stores, Dask clusters and the local Prefect server."""
