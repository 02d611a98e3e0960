"""Events in Frigate, the network video recorder: by its HTTP interface, so that it keeps its own recording of them.

A manual event is created when an action begins (``POST /api/events/CAMERA/LABEL/create`` with no duration) and ended
when it ends (``PUT /api/events/ID/end``). Frigate gives the ids; which is whose is kept in the spool, so that an event
is ended though this process was killed meanwhile.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import quote

from edgevtn.prediction import Event
from edgevtn.sinks.address import parse_address
from edgevtn.sinks.delivery import Delivery, Refused
from edgevtn.sinks.http import authorization, send
from edgevtn.sinks.origin import Origin
from edgevtn.sinks.spool import Message

#: Seconds after it was told in which an event is created: Frigate lets every event begin when it is created.
LATEST = 60.0


class Frigate(Delivery):
    """Creates and ends events of a Frigate camera; a "/" in a label is sent as "_".

    Parameters
    ----------
    url : str
        Frigate's: ``http://host:5000``, or ``https://``.
    camera : str
        Its name in Frigate.
    origin, spool
        As in `Delivery`.
    token : str, optional
        Sent as ``Authorization: Bearer``, as Frigate's port 8971 wants it.

    Raises
    ------
    ValueError
        The address or the token is none, or the camera has no name.
    OutputError
        The spool cannot be written, or is in use.
    """

    def __init__(
        self,
        url: str,
        camera: str,
        origin: Origin | None = None,
        spool: str | Path | None = None,
        *,
        token: str | None = None,
    ) -> None:
        address = parse_address(url, ("http", "https"))
        if not camera:
            raise ValueError("expected the name of the camera in Frigate, got none")
        self._base, self._camera = f"{address.url.rstrip('/')}/api/events", quote(camera, safe="")
        self._headers = authorization(address, token)
        super().__init__(address.name, origin, spool)
        # Those that went on when an earlier run was killed are over; the end of others waits in the spool.
        ending = self.spool.routes()
        self.spool.put((f"end {id}", json.dumps({"end_time": None}).encode())
                       for id in self.spool.notes() if f"end {id}" not in ending)  # fmt: skip

    def messages(self, event: Event) -> list[tuple[str, bytes]]:
        """One when it begins, one when it has ended."""
        id = self.origin.id(event)
        if event.kind == "begin":
            began = self.origin.wall_clock(event.start, event.source)
            body = {"label": event.label, "score": round(event.score, 4), "began": began, "told": time.time()}
            return [(f"create {id}", json.dumps(body).encode())]
        if event.end is not None:
            return [(f"end {id}", json.dumps({"end_time": self.origin.wall_clock(event.end, event.source)}).encode())]
        return []

    def deliver(self, message: Message) -> None:
        """Create or end it."""
        action, _, id = message.route.partition(" ")
        body = json.loads(message.payload)
        if action == "create":
            # Not from its beginning, all that earlier versions spooled: what has to last for minutes is told later.
            told = body.get("told", body["began"])
            if time.time() - told > LATEST:
                raise Refused("it was told more than a minute ago, and Frigate would let it begin now")
            # Frigate's router takes "%2F" for a "/", and so for the end of the label.
            label = quote(body["label"].replace("/", "_"), safe="")
            wanted = {"source_type": "api", "duration": None, "include_recording": True, "score": body["score"]}
            url = f"{self._base}/{self._camera}/{label}/create"
            answer = send("POST", url, json.dumps(wanted).encode(), self._headers, answered=True)
            self.spool.note(id, _event_id(answer))
        elif (known := self.spool.notes().get(id)) is not None:
            try:
                send("PUT", f"{self._base}/{quote(known, safe='')}/end", message.payload, self._headers)
            except Refused:
                self.spool.note(id, None)
                raise
            self.spool.note(id, None)


def _event_id(answer: bytes) -> str:
    """The id in Frigate's answer."""
    try:
        return str(json.loads(answer)["event_id"])
    except (ValueError, KeyError, TypeError):
        raise Refused("the answer has no event_id; is it Frigate, 0.12 or newer?") from None
