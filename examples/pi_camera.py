"""Say what a Raspberry Pi's camera sees: a line when an action begins, and one when it has ended.

python examples/pi_camera.py                        # the Pi's camera
python examples/pi_camera.py --source clip.mp4      # a file, a folder, a camera index, a URL
python examples/pi_camera.py --show                 # with a window; needs edgevtn[gui]
"""

import argparse

import edgevtn
from edgevtn.sinks import Display


def main() -> None:
    parser = argparse.ArgumentParser(description="Recognise actions from a camera.")
    parser.add_argument("--source", default="picamera")
    parser.add_argument("--model", help="folder of a model bundle")
    parser.add_argument("--show", action="store_true", help="show what the camera sees")
    arguments = parser.parse_args()

    sinks = [Display()] if arguments.show else []
    for event in edgevtn.watch(arguments.source, arguments.model, sinks=sinks):
        if event.end is None:
            print(f"{event.start:7.1f} s  {event.label} begins", flush=True)
        else:
            print(f"{event.end:7.1f} s  {event.label} ended", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
    except edgevtn.EdgeVTNError as error:
        raise SystemExit(f"error: {error}") from None
