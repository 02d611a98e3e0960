"""`--config`: a TOML file with what may stand on the command line, which wins."""

from __future__ import annotations

import argparse
import difflib
import tomllib
from collections.abc import Sequence
from typing import Any

from edgevtn.reading import read_text

#: Characters of a value in a message.
LONGEST = 80


def with_config(arguments: Sequence[str], parsed: argparse.Namespace, parser: argparse.ArgumentParser) -> list[str]:
    """The arguments, and those of the file that `--config` names.

    Parameters
    ----------
    arguments
        The command and what follows it.
    parsed
        What they mean without the file.
    parser
        The command's.

    Raises
    ------
    ValueError
        The file cannot be read, or something in it is unknown or of a wrong type.
    """
    file = parsed.config
    try:
        values = tomllib.loads(read_text(file))
    except OSError as error:
        raise ValueError(f"{file}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # also of its encoding
        raise ValueError(f"{file}: is no TOML ({error})") from error
    known = {
        name: action for action in parser._actions if action.dest not in ("help", "config") for name in _names(action)
    }
    options: list[str] = []
    rest: list[str] = []
    for key, value in values.items():
        action = known.get(key.replace("_", "-"))
        if action is None:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise ValueError(f"{file}: {key} is no option; the nearest is {near}")
        given = getattr(parsed, action.dest)
        if isinstance(given, list) and given:
            continue  # several of the file and several of the line would add up
        texts = _texts(action, value, f"{file}: {key}")
        if action.option_strings:
            options += texts
        else:
            rest += texts
    # What comes later wins, so the file comes first.
    return [arguments[0], *options, *arguments[1:], *rest]


def _names(action: argparse.Action) -> list[str]:
    """What it is called in a file: every name that it has on the command line, but for what denies it."""
    long = [text.removeprefix("--") for text in action.option_strings if text.startswith("--")]
    denied = {f"no-{name}" for name in long}
    return [name for name in long if name not in denied] or [action.dest]


def _texts(action: argparse.Action, value: Any, where: str) -> list[str]:
    """A value as it would stand on the command line."""
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise ValueError(f"{where}: expected true or false, got {_shown(value)}")
        return [action.option_strings[0 if value else 1]]
    if action.nargs == "?" and isinstance(value, bool) and (value or action.default is None):
        return [action.option_strings[0]] if value else []  # as it may stand on the line by itself
    several = action.nargs == "*" or isinstance(action, argparse._AppendAction)
    values = value if several and isinstance(value, list) else [value]
    for each in values:
        if isinstance(each, bool) or not isinstance(each, str | int | float):
            expected = "a string or a number" + (", or a list of them" if several else "")
            raise ValueError(f"{where}: expected {expected}, got {_shown(each)}")
    return [f"{action.option_strings[0]}={each}" if action.option_strings else str(each) for each in values]


def _shown(value: Any) -> str:
    """A value for a message; of texts, which may have a password in them, and of what is long, the type alone."""
    parts = value if isinstance(value, list) else [value]
    short = all(isinstance(part, int | float) for part in parts) and len(repr(value)) <= LONGEST
    return repr(value) if short else type(value).__name__
