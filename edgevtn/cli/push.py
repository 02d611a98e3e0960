"""`edgevtn push`: a bundle to the Hugging Face hub."""

from __future__ import annotations

import argparse


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("name", metavar="ORG/NAME", help="the repository; made if it is not there")
    parser.add_argument("model", metavar="BUNDLE", help="folder of a model bundle")
    parser.add_argument("--license", metavar="ID", help="the card's, as the hub names it: apache-2.0 (default: none)")
    parser.add_argument("--private", action="store_true", help="if it is made: for those alone whom you let in")


def run(arguments: argparse.Namespace) -> None:
    """Publish, and say how to use it."""
    from edgevtn.publishing import push_to_hub

    pinned = push_to_hub(arguments.model, arguments.name, license=arguments.license, private=arguments.private)
    print(f"published; try: edgevtn run 0 --model {pinned}")
