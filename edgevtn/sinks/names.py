"""Names of sources as parts of files' names."""

from __future__ import annotations

import itertools

from edgevtn.sinks.discovery import slug


class Names:
    """A name of letters, digits and _ for each source; no two have the same."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def __getitem__(self, source: str) -> str:
        if source not in self._names:
            first = slug(source) or "source"
            numbered = (f"{first}_{number}" for number in itertools.count(2))
            used = self._names.values()
            self._names[source] = next(free for free in itertools.chain([first], numbered) if free not in used)
        return self._names[source]
