"""Thin Prefect tasks: fan-out on Dask, artifacts, one call into pure code each."""
