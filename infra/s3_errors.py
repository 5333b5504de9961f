"""What S3 clients raise, put as a StoreError with a cause and a remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import botocore.exceptions as boto  # type: ignore[import-untyped]

from storage_schemas.errors import StoreError
from storage_schemas.store_trouble import explain_os_error, store_error

_CREDENTIALS = (
    "no valid credentials",
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or FLOWVQTALKER_S3_PROFILE",
)
_UNREACHABLE = ("unreachable", "check FLOWVQTALKER_S3_ENDPOINT_URL and the network, then start again")
_BY_CODE: dict[str, tuple[str, str]] = {
    "NoSuchBucket": ("the bucket does not exist", "make it, or correct the address of the store"),
    "AccessDenied": ("permission denied", "check what the credentials may do with this bucket"),
    "AllAccessDisabled": ("permission denied", "check what the credentials may do with this bucket"),
    "403": ("permission denied", "check what the credentials may do with this bucket"),
    "InvalidAccessKeyId": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "ExpiredToken": _CREDENTIALS,
    "InsufficientStorage": ("no space left on the server", "free some space there, or name another store"),
    "XMinioStorageFull": ("no space left on the server", "free some space there, or name another store"),
    "QuotaExceeded": ("no space left: the quota is used up", "free some space there, or name another store"),
    "SlowDown": ("the server is overloaded", "use fewer workers, or start again later"),
}


@contextmanager
def s3_trouble(action: str, place: str, *, missing_is_trouble: bool = True) -> Iterator[None]:
    """Turn everything an S3 client raises in the block into a StoreError, as `store_trouble` does for local files.

    Raises:
        StoreError: names what was tried, where, the cause and the remedy.
        FileNotFoundError: the object is not there and `missing_is_trouble` is False; a missing bucket is always a StoreError.
    """
    try:
        yield
    except (OSError, boto.BotoCoreError, boto.ClientError) as error:
        if isinstance(error, FileNotFoundError) and not missing_is_trouble and _code(error) != "NoSuchBucket":
            raise
        raise _explained(action, place, error) from error


def _explained(action: str, place: str, error: Exception) -> StoreError:
    cause, remedy = _cause(error)
    return store_error(action, place, cause, remedy, error)


def _cause(error: Exception) -> tuple[str, str]:
    if known := _BY_CODE.get(_code(error)):
        return known
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError | boto.ProfileNotFound | boto.TokenRetrievalError):
        return _CREDENTIALS
    if isinstance(error, boto.HTTPClientError | boto.ConnectionError | TimeoutError | ConnectionError):
        return _UNREACHABLE
    if isinstance(error, PermissionError):
        return _BY_CODE["AccessDenied"]
    if isinstance(error, OSError):
        return explain_os_error(error)
    return "the S3 client failed", "see the message in brackets"


def _code(error: BaseException) -> str:
    """Return the server's error code, from the error itself or from the one that s3fs translated."""
    for candidate in (error, error.__cause__):
        if isinstance(candidate, boto.ClientError):
            return str(candidate.response.get("Error", {}).get("Code", ""))
    return ""
