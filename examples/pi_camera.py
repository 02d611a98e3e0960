"""Say what a Raspberry Pi's camera sees: one line whenever the action changes.

python examples/pi_camera.py                        # the Pi's camera
python examples/pi_camera.py --source clip.mp4      # a file, a folder, a camera index, a URL
python examples/pi_camera.py --show                 # with a window; needs edgevtn[gui]
"""

import argparse

import edgevtn


def main() -> None:
    parser = argparse.ArgumentParser(description="Recognise actions from a camera.")
    parser.add_argument("--source", default="picamera")
    parser.add_argument("--model", help="folder of a model bundle")
    parser.add_argument("--show", action="store_true", help="show what the camera sees")
    arguments = parser.parse_args()

    recognizer = edgevtn.Recognizer(arguments.model, smoothing=0.3)
    window = edgevtn.Window("edgevtn") if arguments.show else None
    said = None
    with edgevtn.frames(arguments.source) as source:
        for timestamp, frame in source:
            prediction = recognizer(frame, timestamp)
            if prediction is not None and prediction.label != said:
                said = prediction.label
                print(f"{timestamp:7.1f} s  {said}  {prediction.score:.0%}", flush=True)
            if window is not None and not window.show(frame):
                break


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
    except edgevtn.EdgeVTNError as error:
        raise SystemExit(f"error: {error}") from None
