"""The command line: arguments in, text out. Each command is a module; the work is elsewhere."""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import io
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn

import edgevtn
from edgevtn.cli.config import with_config
from edgevtn.cli.examples import FIRST, epilog
from edgevtn.cli.interrupts import Interrupts
from edgevtn.errors import one_line

#: The commands in the order of the help. Each is a module beside this one, with ``add(parser)`` for its arguments, and
#: ``run(arguments)``; it is imported when it is asked for, and what it needs with it.
COMMANDS = {
    "demo": "recognise bundled clips, one model taught as you watch: timelines, annotated videos, pictures",
    "run": "recognise actions in a video file, a folder of images, a camera or a URL",
    "serve": "the same with a page in the browser; needs the extra [serve]",
    "record": "record takes of an action from a camera, to teach with",
    "teach": "teach your own actions from a few clips: a folder a label; seconds, on the board itself",
    "index": "recognise a folder of recordings into an index, on all cores",
    "find": "find moments in an index: like a clip, with a label, by a condition",
    "eval": "accuracy of a bundle on labelled clips",
    "info": "the model's facts, and what was chosen on this machine",
    "doctor": "what this board is, and what is wrong with it",
    "verify": "load a bundle from elsewhere in a process with limits, and say whether it can be used",
    "warmup": "compile the kernels and compare the engines, once for a machine",
    "bench": "time each stage on this machine",
    "import": "published checkpoints or OpenVINO IR into a bundle; needs the extra [import]",
    "fetch": "download a published model and import it; needs the extra [import]",
    "push": "publish a bundle on the Hugging Face hub; needs the extra [hub]",
    "calibrate": "fp32 ONNX encoder to INT8; needs the extra [calibration]",
    "compare": "measure an INT8 encoder against fp32; needs the extra [calibration]",
    "train": "train a bundle on labelled clips; needs the extra [training]",
    "crossval": "cross-validate on the folds of a manifest, or on made ones; needs the extra [training]",
}
#: Modules whose commands' names are words of Python.
MODULES = {"import": "importing"}


class _Mixed(argparse.ArgumentParser):
    """What may be given several times, such as sources, may stand before and after options.

    `argparse` takes the first of them that stand together, and knows a way round it that it forbids where there are
    commands.
    """

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        parsed, rest = self.parse_known_args(args, namespace)
        if rest:
            actions = getattr(parsed, "parser", self)._actions
            several = [each.dest for each in actions if not each.option_strings and each.nargs in ("*", "+")]
            if not several or any(word.startswith("-") for word in rest):
                self.error(f"unrecognized arguments: {' '.join(rest)}")
            setattr(parsed, several[0], [*getattr(parsed, several[0]), *rest])
        return parsed


class _Parser(_Mixed):
    """Repeats what was typed, but no password in it."""

    def error(self, message: str) -> NoReturn:
        super().error(one_line(message))


class _Raising(_Mixed):
    """Says what is wrong by an exception: a service that reads its file again goes on."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(one_line(message))


def parser(
    kind: type[argparse.ArgumentParser] = _Parser, arguments: Sequence[str] | None = None
) -> argparse.ArgumentParser:
    """What the command line may have: the arguments of every command, or where these are given of theirs alone."""
    top = kind(prog="edgevtn", description=edgevtn.__doc__.partition("\n")[0])
    top.add_argument("--version", action="version", version=f"edgevtn {edgevtn.__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    # No option before the command takes a value, so the first word is the command.
    asked = COMMANDS if arguments is None else [word for word in arguments if not word.startswith("-")][:1]
    for name, text in COMMANDS.items():
        added = commands.add_parser(
            name, help=text, description=text, epilog=epilog(name),
            formatter_class=argparse.RawDescriptionHelpFormatter,  # examples are lines
        )  # fmt: skip
        if name in asked:
            command = importlib.import_module(f"edgevtn.cli.{MODULES.get(name, name)}")
            command.add(added)
            added.set_defaults(function=command.run, parser=added)
    return top


def _parsed(arguments: Sequence[str], kind: type[argparse.ArgumentParser]) -> argparse.Namespace:
    """What the arguments and the file of ``--config`` mean, with `reread`, which reads that file again."""
    parsed = parser(kind, arguments).parse_args(arguments)
    parsed.reread = None
    if getattr(parsed, "config", None) is not None:
        file, words = parsed.config, with_config(arguments, parsed, parsed.parser)
        try:  # the line alone was right
            parsed = parser(_Raising, arguments).parse_args(words)
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from None
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


def _told(error: Exception) -> str:
    """An error as a line; a full disk where our own output goes names no file."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
        return "the output could not be written, because there is no space left where it goes; free some"
    return one_line(error)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0, 1 after an error, 2 for wrong arguments, 130 if stopped."""
    arguments = sys.argv[1:] if arguments is None else arguments
    _open_streams()
    if not arguments:
        print(FIRST, file=sys.stderr)
        return 2
    warnings.showwarning = _show_warning
    logger = logging.getLogger("edgevtn")
    if not logger.handlers:
        logger.addHandler(_Stderr(logging.WARNING))
    try:
        with Interrupts():
            # What is wrong on the line is told with the usage, before the file is read.
            parser(arguments=arguments).parse_args(arguments)
            parsed = _parsed(arguments, _Parser)
            status: int | None = parsed.function(parsed)  # None: all went well
    except BrokenPipeError:
        # Whoever read our output has gone, as with `edgevtn run ... | head`. Nothing is left to say, and Python
        # must not fail again on flushing it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (edgevtn.EdgeVTNError, ValueError, OSError) as error:
        print(f"edgevtn: error: {_told(error)}", file=sys.stderr)
        for note in getattr(error, "__notes__", ()):
            print(note, file=sys.stderr)
        return 1
    except MemoryError:
        print("edgevtn: error: there is not enough memory for this", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        # Python notes that an interrupt left code made from text, as `dataclass` and Numba make it, and kills itself by
        # the signal at its end, whoever caught it. Other code from text takes that back.
        exec("")
    return status or 0
