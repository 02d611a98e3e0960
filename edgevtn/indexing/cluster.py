"""The same on several machines: Ray Data hands out the recordings and begins them again where a worker dies."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from edgevtn.errors import IndexFileError, one_line, require
from edgevtn.indexing.moment import LENGTH
from edgevtn.indexing.recording import Recording
from edgevtn.indexing.workers import Finished, Progress, finished, reader_of_one_thread
from edgevtn.prediction import Event

#: Where Ray is to be begun on this machine, for as long as the command runs.
LOCAL = "local"
NO_MOMENTS = np.zeros(0, np.float32), np.zeros((0, LENGTH), np.float16)


class Engine:
    """Recognises recordings on a Ray cluster; for `edgevtn.indexing.index`. Every machine of it must see the files.

    Parameters
    ----------
    address : str
        The cluster's, as ``ray.init`` takes it; "local" begins one on this machine.

    Raises
    ------
    MissingExtraError
        Ray is not installed.
    """

    def __init__(self, address: str) -> None:
        # Ray tells its makers of every use where nobody says no.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        self._ray = require("ray", "ray")
        self._data = require("ray.data", "ray")
        self._address = address

    def __call__(self, files: list[str], model: str | None, jobs: int) -> Iterator[Progress | Finished]:
        """As `edgevtn.indexing.workers.recognise`; the model's folder must be seen by all machines, too.

        Raises
        ------
        IndexFileError
            The cluster cannot be reached, or gave up.
        """
        if not files:
            return
        ray = self._ray
        begun = not ray.is_initialized()
        try:
            if begun:
                local = {"num_cpus": jobs, "include_dashboard": False} if self._address == LOCAL else {}
                ray.init(address=self._address, log_to_driver=False, logging_level="ERROR", **local)
            logging.getLogger("ray.data").setLevel(logging.WARNING)  # we tell how far it is
            context = self._data.DataContext.get_current()
            context.enable_progress_bars = False
            # A block a recording: what is done of a worker's block when it dies would be done again.
            recordings = self._data.from_items([{"file": file} for file in files], override_num_blocks=len(files))
            most = jobs if self._address == LOCAL else max(1, int(ray.cluster_resources().get("CPU", 1)))
            pool = self._data.ActorPoolStrategy(min_size=1, max_size=most)
            found = recordings.map(_Recogniser, fn_constructor_args=(model,), compute=pool, num_cpus=1)
            for row in found.iter_rows():
                yield _finished(row)
        except (ray.exceptions.RayError, ConnectionError, RuntimeError) as error:
            raise IndexFileError(f"Ray at {self._address}: {one_line(error)}; what is done stays done") from error
        finally:
            if begun:
                ray.shutdown()


class _Recogniser:
    """What runs on a worker of the cluster: the row of a file in, the row of what was found out."""

    def __init__(self, model: str | None) -> None:
        self._reader = reader_of_one_thread(model)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        result = finished(self._reader, str(row["file"]))
        found = Recording(0.0, [], *NO_MOMENTS) if result.found is None else result.found
        return {
            "file": result.file,
            "reason": result.reason,
            "duration": found.duration,
            "notes": found.notes,
            "events": json.dumps([asdict(event) for event in found.events]),
            "times": found.times.tobytes(),
            "vectors": found.vectors.tobytes(),
        }


def _finished(row: dict[str, Any]) -> Finished:
    """What a row of the cluster's says."""
    if row["reason"]:
        return Finished(row["file"], None, row["reason"])
    events = [Event(**event) for event in json.loads(row["events"])]
    times = np.frombuffer(row["times"], np.float32)
    vectors = np.frombuffer(row["vectors"], np.float16).reshape(-1, LENGTH)
    return Finished(row["file"], Recording(row["duration"], events, times, vectors, row["notes"]))
