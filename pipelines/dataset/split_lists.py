"""Reading lists of names that say which clips are for training and testing, and what the names mean."""

from __future__ import annotations

import io
import posixpath
import re
from collections.abc import Iterable

import numpy as np
import orjson

from pipelines.corpora.clip_names import HDTF_GROUPS, parse_hdtf_name, parse_mead_name, strip_suffixes
from pipelines.corpora.emotion_names import parse_emotion
from pipelines.corpora.walking import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from storage_schemas.errors import BadInputError

_MEAD_ID = re.compile(r"(?:.*/)?(?P<person>[^/]+)/(?P<view>[^/]+)/(?P<emotion>[^/]+)/level_(?P<level>\d{1,4})/(?P<take>\d{1,6})")
_MEDIA_SUFFIXES = (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES, ".wav", ".m4a", ".mp3", ".npy")
_NUMPY_MAGIC = b"\x93NUMPY"


def parse_name_list(data: bytes, name: str) -> list[str]:
    """Return the names in a list, in its order: a JSON array, a NumPy array of strings, or text with one name a line.

    In text, blank lines and lines that start with "#" are passed over.

    Args:
        data: the bytes of the file.
        name: what to call it in messages.

    Raises:
        BadInputError: if it is none of these, or holds no name.
    """
    if data.startswith(_NUMPY_MAGIC):
        names = _numpy_names(data, name)
    elif data.lstrip()[:1] in {b"[", b"{"}:
        names = _json_names(data, name)
    else:
        names = _text_names(data, name)
    if not names:
        msg = f"split list {name}: expected at least one name, found none"
        raise BadInputError(msg)
    return names


def _json_names(data: bytes, name: str) -> list[str]:
    try:
        names = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        msg = f"split list {name}: {error}"
        raise BadInputError(msg) from error
    if not isinstance(names, list) or not all(isinstance(item, str) for item in names):
        msg = f"split list {name}: expected a JSON array of names, found {type(names).__name__} with other things"
        raise BadInputError(msg)
    return names


def _numpy_names(data: bytes, name: str) -> list[str]:
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        msg = f"split list {name}: {error}"
        raise BadInputError(msg) from error
    if array.dtype.kind != "U":
        msg = f"split list {name}: expected an array of strings, found dtype {array.dtype}"
        raise BadInputError(msg)
    return [str(item) for item in array.ravel()]


def _text_names(data: bytes, name: str) -> list[str]:
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        msg = f"split list {name}: expected UTF-8 text, a JSON array or a NumPy array, found {error.reason} at byte {error.start}"
        raise BadInputError(msg) from error
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def name_key(name: str) -> str:
    """Return the key by which a name in a list is matched with recordings (see `recording_keys`).

    A flat or short MEAD name (``M003#angry#level_1#001``, ``W015_sad_3_005``) means the take in every camera view: the
    same performance seen from the side is not new. A name of an HDTF clip or of a piece of one (``RD_Radio1_000#3``) means the
    clip. Anything else is a recording id, with or without the suffix of a file.
    """
    stem = strip_suffixes(name, _MEDIA_SUFFIXES)
    return _mead_key(stem) or _hdtf_key(stem) or posixpath.normpath(stem)


def recording_keys(recording_id: str) -> list[str]:
    """Return the keys under which a recording may be named in a list, without repetition."""
    stem = strip_suffixes(recording_id, _MEDIA_SUFFIXES)
    keys: Iterable[str] = (stem, _mead_key(stem), _mead_id_key(stem), _hdtf_key(stem))
    return list(dict.fromkeys(key for key in keys if key))


def _mead_key(stem: str) -> str:
    name = parse_mead_name(stem.rpartition("/")[2])
    return f"mead:{name.person}#{name.emotion.value}#{name.level}#{int(name.take)}" if name else ""


def _mead_id_key(stem: str) -> str:
    match = _MEAD_ID.fullmatch(stem)
    emotion = parse_emotion(match["emotion"]) if match else None
    if match is None or emotion is None:
        return ""
    return f"mead:{match['person']}#{emotion.value}#{int(match['level'])}#{int(match['take'])}"


def _hdtf_key(stem: str) -> str:
    name = parse_hdtf_name(stem.rpartition("/")[2])
    return f"hdtf:{name.group}_{name.video}_{name.clip_number}" if name and name.group in HDTF_GROUPS else ""
