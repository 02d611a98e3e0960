"""Events to a web server: one POST for each that begins, goes on or ends."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from edgevtn.prediction import Event
from edgevtn.sinks.address import parse_address
from edgevtn.sinks.delivery import Delivery
from edgevtn.sinks.http import authorization, send
from edgevtn.sinks.origin import Origin
from edgevtn.sinks.spool import Message


class Webhook(Delivery):
    """Posts JSON, as `Origin.event` makes it, with a number "message" that is also the header `Idempotency-Key`.

    An answer of 200 to 299 means that it was taken. Other answers below 500 drop the event, but for 401, 403, 407, 408,
    425 and 429; whatever else happens, it is sent again. After a kill the last one may come twice, with the same
    number.

    Parameters
    ----------
    url : str
        ``http://`` or ``https://``, with ``user:password@`` if that is asked for.
    origin, spool
        As in `Delivery`.
    token : str, optional
        Sent as ``Authorization: Bearer``.

    Raises
    ------
    ValueError
        The address or the token is none.
    OutputError
        The spool cannot be written, or is in use.
    """

    def __init__(
        self, url: str, origin: Origin | None = None, spool: str | Path | None = None, *, token: str | None = None
    ) -> None:
        self._address = parse_address(url, ("http", "https"))
        self._headers = authorization(self._address, token)
        super().__init__(self._address.name, origin, spool)
        self._numbers = itertools.count(1)

    def messages(self, event: Event) -> list[tuple[str, bytes]]:
        """One for each."""
        number = f"{self.origin.run}-{next(self._numbers)}"
        return [(number, json.dumps({"message": number} | self.origin.event(event)).encode())]

    def deliver(self, message: Message) -> None:
        """Post it."""
        send("POST", self._address.url, message.payload, self._headers | {"Idempotency-Key": message.route})
