#!/usr/bin/env python3
"""What the project's text must be: about the project alone, with links that lead somewhere, in the agreed style."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
KINDS = {".py", ".md", ".toml", ".pyx", ".json", ""}
#: Places of one machine, and package registries; in two parts, as this file is checked as well.
FOREIGN = ("/work" + "/", "pypi" + ".org", "python" + "hosted")
#: Commands that the README must have: how to begin, and how to test.
COMMANDS = ("pip install . && edgevtn demo", "scripts/test")
SENTENCE_WITH_OF = re.compile(r"(?:^ *|(?<=[.!?] ))Of ", re.M)
#: Names of variables that say nothing of what they hold.
EMPTY_NAMES = {"said", "one", "taken"}


def tracked() -> list[Path]:
    """Files under version control."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.splitlines()]


def foreign(file: Path, text: str) -> Iterator[str]:
    """Words that have nothing to do with the project."""
    for number, line in enumerate(text.splitlines(), 1):
        yield from (f"{file.relative_to(ROOT)}:{number}: speaks of {word}" for word in FOREIGN if word in line)


def dead_links(file: Path, text: str) -> Iterator[str]:
    """Relative links of a Markdown file to what is not there."""
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target and not (file.parent / target).exists():
            yield f"{file.relative_to(ROOT)}: a link leads to {target}, which is not there"


def style(file: Path, text: str, first: int = 1) -> Iterator[str]:
    """Sentences of a text that open with "Of"; the text begins in line `first` of the file."""
    for found in SENTENCE_WITH_OF.finditer(text):
        number = first + text.count("\n", 0, found.start())
        yield f'{file.relative_to(ROOT)}:{number}: a sentence opens with "Of"; begin with its subject'


def code_style(file: Path, text: str) -> Iterator[str]:
    """Comments, docstrings and messages of a Python file that open so, and names that say nothing."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield from style(file, token.string.lstrip("#: "), token.start[0])
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from style(file, node.value, node.lineno)
        for name in EMPTY_NAMES & bound(node):
            yield f"{file.relative_to(ROOT)}:{node.lineno}: {name!r} says nothing of what it holds; name that"


def bound(node: ast.AST) -> set[str]:
    """Names that a node of a syntax tree gives to something."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            return {name}
        case ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.alias(asname=str(name)):
            return {name}
    return set()


def missing_commands(text: str) -> Iterator[str]:
    """Commands that the README does not have on a line of their own."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.S)
    lines = [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    yield from (f"README.md: expected the command {command!r}" for command in COMMANDS if command not in lines)


def problems() -> Iterator[str]:
    """All of them, a line each."""
    for file in tracked():
        if file.suffix not in KINDS or not file.is_file() or file.name == "LICENSE":
            continue
        text = file.read_text("utf-8")
        yield from foreign(file, text)
        if file.suffix == ".md":
            yield from dead_links(file, text)
            yield from style(file, text)
        if file.suffix == ".py":
            yield from code_style(file, text)
    yield from missing_commands((ROOT / "README.md").read_text("utf-8"))


if __name__ == "__main__":
    found = list(problems())
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))
