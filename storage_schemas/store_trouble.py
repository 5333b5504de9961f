"""One plain explanation, with a remedy, for each kind of I/O trouble a store can have."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from storage_schemas.errors import StoreError

_NO_SPACE = ("no space left", "free some space, or name another store; what is published is kept and a new run goes on from it")
_READ_ONLY = ("the file system is read-only", "mount it writable, or name another store")
_PERMISSION = ("permission denied", "check the owner and the mode of the folder and of those above it")
_UNREACHABLE = ("unreachable", "check the address and the network, then start again")
_IN_THE_WAY = ("a file is where a folder is expected, or the other way round", "move it out of the way, or name another store")
_NAME = ("the file system does not take such a name", "use a shorter path for the store")
_TOO_MANY_OPEN = ("too many open files", "raise the limit (ulimit -n) or use fewer workers")

_EXPLANATIONS: dict[int, tuple[str, str]] = {
    errno.ENOSPC: _NO_SPACE,
    errno.EDQUOT: ("no space left: the disk quota is used up", _NO_SPACE[1]),
    errno.EFBIG: ("the file would be larger than allowed", "raise the file size limit (ulimit -f), or use a file system without one"),
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EISDIR: _IN_THE_WAY,
    errno.ENOTEMPTY: _IN_THE_WAY,
    errno.EEXIST: _IN_THE_WAY,
    errno.ENAMETOOLONG: _NAME,
    errno.EILSEQ: _NAME,
    errno.EMFILE: _TOO_MANY_OPEN,
    errno.ENFILE: _TOO_MANY_OPEN,
    errno.ESTALE: ("the network file system lost the file", "check that the share is mounted, then start again"),
    errno.EIO: ("the device reports an input/output error", "check the disk, then start again"),
    errno.ECONNREFUSED: _UNREACHABLE,
    errno.ECONNRESET: _UNREACHABLE,
    errno.EHOSTUNREACH: _UNREACHABLE,
    errno.ENETUNREACH: _UNREACHABLE,
    errno.ETIMEDOUT: _UNREACHABLE,
    errno.ENOENT: ("a folder on the way is missing", "check that nobody removes files of the store while it is in use"),
}
_UNKNOWN = ("input/output error", "see the message in brackets")


def explain_os_error(error: OSError) -> tuple[str, str]:
    """Return what went wrong and what to do about it, each as a phrase without a full stop."""
    if isinstance(error, TimeoutError | ConnectionError):
        return _UNREACHABLE
    return _EXPLANATIONS.get(error.errno or 0, _UNKNOWN)


def store_error(action: str, place: object, cause: str, remedy: str, error: BaseException) -> StoreError:
    """Return a StoreError that names what was tried, where, why it failed and the remedy."""
    return StoreError(f"cannot {action} {place}: {cause} ({str(error) or type(error).__name__}); {remedy}")


@contextmanager
def store_trouble(action: str, place: object, *, missing_is_trouble: bool = True) -> Iterator[None]:
    """Turn every OSError of the block into a StoreError.

    Args:
        action: what is tried, as in "cannot <action> <place>", e.g. "write".
        place: path or address.
        missing_is_trouble: False lets FileNotFoundError through, for reads that ask whether something is there.

    Raises:
        StoreError: instead of OSError.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not missing_is_trouble:
            raise
        cause, remedy = explain_os_error(error)
        raise store_error(action, place, cause, remedy, error) from error
