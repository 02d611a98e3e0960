"""An archive of recordings: recognised once, found again by label, by condition, or by likeness to a clip."""

from edgevtn.indexing.build import Summary, index
from edgevtn.indexing.find import Found, find_events, find_like
from edgevtn.indexing.store import Index

__all__ = ["Found", "Index", "Summary", "find_events", "find_like", "index"]
