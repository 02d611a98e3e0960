"""A delivery of numbers, for tests of what becomes of them on the way."""

import threading

from edgevtn import Event
from edgevtn.sinks.delivery import Delivery


class Taking(Delivery):
    """Takes numbers; before each, `before` may object."""

    def __init__(self, spool=None, before=lambda n: None):
        super().__init__("test", None, spool)
        self.numbers, self.before, self.done = [], before, threading.Event()

    def messages(self, event):
        return [("", b"%d" % event.id)]

    def deliver(self, message):
        n = int(message.payload)
        self.before(n)
        self.numbers.append(n)
        if n == 10:
            self.done.set()


def tell(sink, first=1):
    """The numbers to 10."""
    for n in range(first, 11):
        sink.event(Event(n, "m", "walk", 0.0, None, 0.5))
