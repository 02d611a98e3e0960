"""Texts that are no UTF-8, as names of files may be, on the way to a browser and back."""

from __future__ import annotations

import json
import re
from typing import Any

#: The type of `as_json`.
JSON = "application/json"
#: What Python keeps of bytes that are no UTF-8.
HALVES = re.compile("[\ud800-\udfff]")


def plain(text: str) -> str:
    """The text with halves of characters as backslash, "u" and four digits: UTF-8 has none, nor have addresses."""
    return HALVES.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def as_json(record: Any) -> bytes:
    """A record in which all texts are plain."""
    text = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return HALVES.sub(lambda found: f"\\\\u{ord(found[0]):04x}", text).encode()
