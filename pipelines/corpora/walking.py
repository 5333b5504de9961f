"""Walking a source folder: every file that is named like media, in a fixed order, with what is wrong with it.

What counts as a video or an image is decided by the name alone (`VIDEO_SUFFIXES`, `IMAGE_SUFFIXES`, any case), so that nothing
that looks like one is left out silently: hidden files (``._x.mp4``) and files in hidden folders are listed and fail later, with a
reason, if they are not media. Names that end otherwise (``x.mp4.part``, ``.DS_Store``) are not looked at.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import escape_path
from storage_schemas.rejections import RejectionReason

VIDEO_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts",
    ".wmv", ".flv", ".f4v", ".3gp", ".3g2", ".ogv", ".vob", ".mxf",
)  # fmt: skip
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")
_SPECIAL_FILES = {stat.S_IFIFO: "named pipe", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}


@dataclass(frozen=True, slots=True)
class FileProblem:
    """Why a file or folder that was found cannot be used."""

    reason: RejectionReason
    message: str


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One file named like media, or a folder or link that cannot be entered.

    Attributes:
        path: relative to the root, "/" between the parts, as the operating system gives it (surrogateescape).
        size_bytes: of the file a link leads to; 0 where there is a problem.
        problem: None for a readable, regular, non-empty file.
    """

    path: str
    size_bytes: int
    problem: FileProblem | None = None


@dataclass(frozen=True, slots=True)
class _Folder:
    path: str
    ancestors: frozenset[tuple[int, int]]


def walk_files(root: Path, suffixes: tuple[str, ...]) -> Iterator[FoundFile]:
    """Yield every file below `root` whose name ends in one of `suffixes`, folder by folder, sorted by name within a folder.

    Links to files are followed. A link to a folder is followed the first time its target is met; a link to a folder that contains
    the link, and further links to the same folder, are yielded with a problem, so the walk ends on any tree. Folders and
    links that cannot be entered are yielded with a problem whatever their names.

    Args:
        root: an existing folder (a link to one is fine).
        suffixes: lower-case endings of names, e.g. `VIDEO_SUFFIXES`.

    Raises:
        BadInputError: if `root` is missing, not a folder or cannot be read.
    """
    return _Walk(root, suffixes).run()


class _Walk:
    """The state of one walk: the stack of folders to read and the link targets already followed."""

    def __init__(self, root: Path, suffixes: tuple[str, ...]) -> None:
        self._root = checked_root(root)
        self._suffixes = suffixes
        self._stack: list[_Folder] = []
        self._followed: dict[tuple[int, int], str] = {}

    def run(self) -> Iterator[FoundFile]:
        self._stack.append(_Folder("", frozenset({_identity(self._status(""))})))
        while self._stack:
            folder = self._stack.pop()
            try:
                names, kinds = self._read(folder)
            except OSError as error:
                yield FoundFile(folder.path, 0, _os_problem(error, "the folder cannot be read"))
                continue
            yield from self._visit(folder, names, kinds)

    def _read(self, folder: _Folder) -> tuple[list[str], dict[str, str]]:
        """Return the sorted names that matter, and for those that are folders or links which of the two they are."""
        names: list[str] = []
        kinds: dict[str, str] = {}
        with os.scandir(self._full(folder.path)) as entries:
            for entry in entries:
                if entry.is_symlink():
                    kinds[entry.name] = "link"
                elif entry.is_dir(follow_symlinks=False):
                    kinds[entry.name] = "folder"
                elif not entry.name.lower().endswith(self._suffixes):
                    continue
                names.append(entry.name)
        return sorted(names), kinds

    def _visit(self, folder: _Folder, names: list[str], kinds: dict[str, str]) -> Iterator[FoundFile]:
        subfolders: list[_Folder] = []
        for name in names:
            path = f"{folder.path}/{name}" if folder.path else name
            kind = kinds.get(name, "file")
            try:
                status = self._status(path)
            except OSError as error:
                yield FoundFile(path, 0, _stat_problem(error, is_link=kind == "link"))
                continue
            if stat.S_ISDIR(status.st_mode):
                problem = self._enter(folder, path, _identity(status), subfolders, is_link=kind == "link")
                if problem or self._named_like_media(name):
                    yield FoundFile(path, 0, problem or FileProblem(RejectionReason.NOT_A_REGULAR_FILE, "expected a file, found a folder"))
            elif self._named_like_media(name):
                yield self._file(path, status)
        self._stack.extend(reversed(subfolders))

    def _enter(
        self, folder: _Folder, path: str, identity: tuple[int, int], subfolders: list[_Folder], *, is_link: bool
    ) -> FileProblem | None:
        """Note a folder for reading, or say why it is not read."""
        if identity in folder.ancestors:
            return FileProblem(RejectionReason.NOT_A_REGULAR_FILE, "expected a file, found a link to a folder that contains it")
        if is_link:
            if identity in self._followed:
                first = escape_path(self._followed[identity])
                return FileProblem(
                    RejectionReason.DUPLICATE_RECORDING, f"expected a new folder, found a link to one already listed as {first}"
                )
            self._followed[identity] = path
        subfolders.append(_Folder(path, folder.ancestors | {identity}))
        return None

    def _file(self, path: str, status: os.stat_result) -> FoundFile:
        if not stat.S_ISREG(status.st_mode):
            kind = _SPECIAL_FILES.get(stat.S_IFMT(status.st_mode), "special file")
            return FoundFile(path, 0, FileProblem(RejectionReason.NOT_A_REGULAR_FILE, f"expected a file, found a {kind}"))
        if status.st_size == 0:
            return FoundFile(path, 0, FileProblem(RejectionReason.EMPTY_FILE, "expected media, found 0 bytes"))
        if not os.access(self._full(path), os.R_OK):
            return FoundFile(path, 0, FileProblem(RejectionReason.UNREADABLE_FILE, "the file may not be read: permission denied"))
        return FoundFile(path, status.st_size)

    def _status(self, path: str) -> os.stat_result:
        return os.stat(self._full(path))  # noqa: PTH116 - a Path for each of a million files doubles the time

    def _named_like_media(self, name: str) -> bool:
        return name.lower().endswith(self._suffixes)

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}"


def checked_root(root: Path) -> str:
    """Return the path of a source folder without a trailing slash; BadInputError if it is missing, no folder or not readable."""
    if not root.is_dir():
        found = "a file" if root.exists() else "nothing"
        msg = f"source folder {root}: expected a folder, found {found}; check the path"
        raise BadInputError(msg)
    if not os.access(root, os.R_OK | os.X_OK):
        msg = f"source folder {root} cannot be read: permission denied"
        raise BadInputError(msg)
    return os.fspath(root).rstrip("/") or "/."


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _stat_problem(error: OSError, *, is_link: bool) -> FileProblem:
    if is_link and error.errno == errno.ENOENT:
        return FileProblem(RejectionReason.NOT_A_REGULAR_FILE, "expected a file, found a link that leads to nothing")
    if is_link and error.errno == errno.ELOOP:
        return FileProblem(RejectionReason.NOT_A_REGULAR_FILE, "expected a file, found a link that leads back to itself")
    return _os_problem(error, "the file cannot be looked at")


def _os_problem(error: OSError, what: str) -> FileProblem:
    return FileProblem(RejectionReason.UNREADABLE_FILE, f"{what}: {os.strerror(error.errno) if error.errno else type(error).__name__}")
