"""What every live source is underneath: a connection that blocks until the next picture, and fails with a reason."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from edgevtn.arrays import Frame
from edgevtn.errors import SourceError

#: Seconds in which a source has to answer, and again to give its first picture, where `patience` is not longer: a
#: stream begins with a whole picture, which many cameras send every few seconds only.
OPENING = 5.0


class BadPicture(Exception):
    """This picture cannot be decoded; the next may be good."""


class Unauthorized(SourceError):
    """The user or password is wrong: many cameras lock the account after a few more attempts."""


class Connection(ABC):
    """An open camera or stream. Its thread opens, reads and closes it; another may interrupt it."""

    #: Whether it is a file that happens to be far away, which ends.
    finite = False

    @abstractmethod
    def read(self) -> tuple[float | None, Frame]:
        """Block until the next picture.

        Returns
        -------
        captured : float or None
            Seconds at which it was taken, by any clock that runs evenly; None where the source does not tell.
        frame : uint8 (H, W, 3) BGR

        Raises
        ------
        BadPicture
            It cannot be decoded.
        OSError
            No more will come.
        """

    def interrupt(self) -> None:
        """Make a `read` that blocks in another thread return soon, where that is possible."""

    def close(self) -> None:
        """Give back the device or socket."""


#: Opens a connection, or raises SourceError; may block. It is called again after every loss.
Connect = Callable[[], Connection]


def unauthorized(name: str) -> Unauthorized:
    """The sentence for a wrong password."""
    return Unauthorized(f"{name}: refuses the user or password (401); expected them as in rtsp://user:password@host/")


def status_error(name: str, status: int) -> SourceError:
    """The sentence for an answer of HTTP or RTSP that is no success."""
    if status == 401:
        return unauthorized(name)
    if status == 404:
        return SourceError(f"{name}: answers, but has nothing under this path (404); check what stands behind the host")
    return SourceError(f"{name}: answers with status {status}; check the address")


def refused(name: str) -> SourceError:
    """The sentence for a port that nothing listens at."""
    return SourceError(f"{name}: refuses the connection; check the port, and that the camera has started")


def unknown_host(name: str) -> SourceError:
    """The sentence for a name that leads to no machine."""
    return SourceError(f"{name}: no host of this name is known; check the spelling and the network")


def silent(name: str, seconds: float) -> SourceError:
    """The sentence for what does not answer."""
    return SourceError(f"{name}: does not answer within {seconds:g} s; is it switched on, and in this network?")


def unusable(name: str) -> SourceError:
    """The sentence for everything else."""
    return SourceError(f"{name}: cannot be opened as a video; check the address")


def ended(name: str) -> SourceError:
    """The sentence for a stream that breaks off."""
    return SourceError(f"{name}: stopped delivering frames; is it still connected?")
