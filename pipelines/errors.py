"""The ways in which something can go wrong; defined beside the records so that `infra` can raise them too."""

from storage_schemas.errors import BadInputError, BuildFailedError, ItemRejectedError, StoreError

__all__ = ["BadInputError", "BuildFailedError", "ItemRejectedError", "StoreError"]
