"""What goes wrong with a sink is said once, not at every event; recognition goes on."""

from __future__ import annotations

import logging
import threading

logger = logging.getLogger("edgevtn.sinks")


class Trouble:
    """What a sink has to say about its troubles, as warnings of the logger "edgevtn.sinks".

    Parameters
    ----------
    name : str
        The sink's, at the beginning of each message; no password.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._last: str | None = None
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def begins(self, reason: str) -> None:
        """Say why it does not work, unless it did not work before."""
        with self._lock:
            known, self._last = self._last is not None, reason
        if not known:
            logger.warning("%s: %s", self.name, reason)

    def ends(self, how: str) -> None:
        """Say that it works again, if it did not."""
        with self._lock:
            known, self._last = self._last is not None, None
        if known:
            logger.warning("%s: %s", self.name, how)

    def once(self, reason: str) -> None:
        """Say something that is said once in a run."""
        with self._lock:
            known = reason in self._said
            self._said.add(reason)
        if not known:
            logger.warning("%s: %s", self.name, reason)
