"""Show a webcam in a window, with what is done below it; nothing else of it is kept.

pip install 'edgevtn[gui]'
python examples/webcam.py              # the first camera; --source 1 for the second, or a file
python examples/webcam.py --model mine # what you taught with: edgevtn record, edgevtn teach

Escape, q or closing the window ends it.
"""

import argparse

import edgevtn
from edgevtn.sinks import Display
from edgevtn.sources import Camera


def main() -> None:
    parser = argparse.ArgumentParser(description="A webcam in a window.")
    parser.add_argument("--source", default="0", help="a camera's index, an address, or a file")
    parser.add_argument("--model", help="folder of a model bundle")
    arguments = parser.parse_args()

    with Camera(arguments.source, notify=print) as camera:  # told when the camera is unplugged, and back
        for event in edgevtn.watch(camera, arguments.model, sinks=[Display("webcam")]):
            if event.kind == "end":
                print(f"{event.label}, {event.end - event.start:.1f} s, {event.score:.0%} sure", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
    except edgevtn.EdgeVTNError as error:
        raise SystemExit(f"error: {error}") from None
