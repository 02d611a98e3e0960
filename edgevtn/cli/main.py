"""The command line: arguments in, text out. Each command is a module; the work is elsewhere."""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from types import FrameType
from typing import Any, NoReturn

import edgevtn
from edgevtn.cli import (
    bench,
    calibrate,
    compare,
    crossval,
    demo,
    doctor,
    eval,
    fetch,
    importing,
    info,
    record,
    run,
    serve,
    teach,
    train,
    verify,
)
from edgevtn.cli.config import with_config
from edgevtn.errors import one_line

#: In the order of the help. Each has NAME and HELP, ``add(parser)`` for its arguments, and ``run(arguments)``.
COMMANDS = (
    demo, run, serve, record, teach, eval, info, doctor, verify, bench, importing, fetch, calibrate, compare, train,
    crossval,
)  # fmt: skip


class _Parser(argparse.ArgumentParser):
    """Repeats what was typed, but no password in it."""

    def error(self, message: str) -> NoReturn:
        super().error(one_line(message))


class _Raising(argparse.ArgumentParser):
    """Says what is wrong by an exception: a service that reads its file again goes on."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(one_line(message))


def parser(kind: type[argparse.ArgumentParser] = _Parser) -> argparse.ArgumentParser:
    """The command's arguments."""
    top = kind(prog="edgevtn", description=edgevtn.__doc__.partition("\n")[0])
    top.add_argument("--version", action="version", version=f"edgevtn {edgevtn.__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        added = commands.add_parser(command.NAME, help=command.HELP, description=command.HELP)
        command.add(added)
        added.set_defaults(function=command.run, parser=added)
    return top


def _parsed(arguments: Sequence[str], kind: type[argparse.ArgumentParser]) -> argparse.Namespace:
    """What the arguments and the file of ``--config`` mean, with `reread`, which reads that file again."""
    parsed = parser(kind).parse_args(arguments)
    parsed.reread = None
    if getattr(parsed, "config", None) is not None:
        parsed = parser(kind).parse_args(with_config(arguments, parsed, parsed.parser))
        parsed.reread = partial(_parsed, arguments, _Raising)
    return parsed


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"edgevtn: warning: {one_line(message)}", file=sys.stderr)


class _Stderr(logging.Handler):
    """What the library logs, as warnings look."""

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):  # stderr may be a file on a full disk, and what is logged stops nothing
            print(f"edgevtn: warning: {one_line(record.getMessage())}", file=sys.stderr)


def _open_streams() -> None:
    """Give stdin, stdout and stderr that were closed (``>&-``) to nothing: the next file would get their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))
    if isinstance(sys.stdout, io.TextIOWrapper):  # with LANG=C it knows ASCII alone, and labels know more
        sys.stdout.reconfigure(errors="backslashreplace")


def _terminate(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0, 1 after an error, 2 for wrong arguments, 130 if stopped."""
    arguments = sys.argv[1:] if arguments is None else arguments
    _open_streams()
    parser().parse_args(arguments)  # what is wrong on the line is told with the usage, before the file is read
    warnings.showwarning = _show_warning
    logger = logging.getLogger("edgevtn")
    if not logger.handlers:
        logger.addHandler(_Stderr(logging.WARNING))
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGHUP, _terminate)
    try:
        parsed = _parsed(arguments, _Parser)
        status: int | None = parsed.function(parsed)  # None: all went well
    except BrokenPipeError:
        # Whoever read our output has gone, as with `edgevtn run ... | head`. Nothing is left to say, and Python
        # must not fail again on flushing it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (edgevtn.EdgeVTNError, ValueError, OSError) as error:
        print(f"edgevtn: error: {one_line(error)}", file=sys.stderr)
        for note in getattr(error, "__notes__", ()):
            print(note, file=sys.stderr)
        return 1
    except MemoryError:
        print("edgevtn: error: there is not enough memory for this", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status or 0
