"""The command line: arguments in, text out; the work is elsewhere."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import edgevtn
from edgevtn.cli.demo import demo
from edgevtn.cli.run import Printer, run
from edgevtn.cli.training import add_training, print_mistakes
from edgevtn.datasets.evaluate import evaluate
from edgevtn.datasets.layouts import TEST, read_dataset
from edgevtn.files import write_whole
from edgevtn.watching import SMOOTHING

DATASET = "manifest.csv (clip, label, fold), a folder a class, or the layout of UCF-101, HMDB-51 or Kinetics"


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    top = argparse.ArgumentParser(prog="edgevtn", description=edgevtn.__doc__.partition("\n")[0])
    top.add_argument("--version", action="version", version=f"edgevtn {edgevtn.__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, function: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(function=function)
        return added

    def model_options(added: argparse.ArgumentParser) -> None:
        added.add_argument("--model", metavar="BUNDLE", help="folder of a model bundle (default: the bundled one)")
        added.add_argument("--threads", type=int, metavar="N", help="encoder threads (default: all cores, at most 4)")

    added = command("demo", _demo, "recognise the bundled clip: a timeline, an annotated video, a picture")
    added.add_argument("-o", "--output", default="edgevtn-demo", metavar="DIR", help="default: %(default)s")
    model_options(added)

    added = command("run", _run, "recognise actions in a video file, a folder of images, a camera or a URL")
    added.add_argument("source", metavar="SOURCE", help="path, camera index, or URL")
    added.add_argument("--json", action="store_true", help="one JSON object a line for each prediction")
    added.add_argument("--save", metavar="FILE.mp4", help="write an annotated video, too")
    added.add_argument("--show", action="store_true", help="show a window; needs the extra [gui]")
    added.add_argument("--frame-rate", type=float, metavar="HZ", help="of a folder of images (default: 25)")
    added.add_argument("--seconds", type=float, metavar="S", help="stop after so much of the source")
    added.add_argument(
        "--smoothing",
        type=float,
        default=SMOOTHING,
        metavar="S",
        help="time constant, seconds (default: %(default)s)",
    )
    added.add_argument(
        "--unknown-below", type=float, default=0.5, metavar="P", help="probability (default: %(default)s)"
    )
    model_options(added)

    added = command("eval", _eval, "accuracy of a bundle on labelled clips")
    added.add_argument("manifest", metavar="DATASET", help=DATASET)
    added.add_argument("--split", type=int, default=1, choices=(1, 2, 3), help="of UCF-101 or HMDB-51 (default: 1)")
    added.add_argument("--png", metavar="FILE", help="draw the confusion matrix; needs the extra [plots]")
    model_options(added)

    added = command("info", _info, "the model's facts, and what was chosen on this machine")
    added.add_argument("bundle", nargs="?", metavar="BUNDLE", help="default: the bundled model")

    added = command("bench", _bench, "time each stage on this machine")
    added.add_argument("bundle", nargs="?", metavar="BUNDLE", help="default: the bundled model")
    added.add_argument("--seconds", type=float, default=10.0, metavar="N", help="default: %(default)g")
    added.add_argument("--source", metavar="CLIP", help="frames to use (default: the bundled clip)")
    added.add_argument("--threads", type=int, metavar="N", help="encoder threads (default: all cores, at most 4)")
    added.add_argument("--precision", choices=("auto", "fp32", "int8"), default="auto", help="of the decoder")
    added.add_argument("--json", metavar="FILE", help="write the numbers, too")

    added = command("import", _import, "published checkpoints or OpenVINO IR into a bundle; needs the extra [import]")
    added.add_argument("files", nargs="+", metavar="FILE", help="one .pth, two (RGB, RGB-difference), or two .xml")
    added.add_argument("-o", "--output", required=True, metavar="BUNDLE", help="folder to write")
    added.add_argument("--labels", metavar="LIST", help="kinetics400, ucf101, hmdb51, driver, or a file, one a line")
    added.add_argument("--frame-rate", type=float, default=15.0, metavar="HZ", help="default: %(default)s")
    added.add_argument("--name", help="of the model (default: the folder's)")
    added.add_argument("--clips", metavar="PATH", help="calibrate the encoder to INT8 on these")

    added = command("fetch", _fetch, "download a published model and import it; needs the extra [import]")
    added.add_argument("name", nargs="?", metavar="NAME", help="RGB+RGB-difference for two streams; none: list them")
    added.add_argument("-o", "--output", metavar="BUNDLE", help="folder to write (default: NAME)")
    added.add_argument("--precision", choices=("FP32", "FP16", "FP16-INT8"), help="default: FP16 where there is one")
    added.add_argument("--mirror", metavar="URL", help="where the files lie instead")
    added.add_argument("--clips", metavar="PATH", help="calibrate the encoder to INT8 on these")

    def calibration_options(added: argparse.ArgumentParser) -> None:
        added.add_argument("--clips", required=True, metavar="PATH", help="folder of clips, manifest.csv, or a clip")
        added.add_argument("--color-order", choices=("RGB", "BGR"), default="RGB", help="the model's (default: RGB)")
        added.add_argument("--mean", type=_triple, metavar="R,G,B", help="of an encoder with float input; pixels 0-255")
        added.add_argument("--std", type=_triple, metavar="R,G,B")
        added.add_argument("--seed", type=int, default=0)

    added = command("calibrate", _calibrate, "fp32 ONNX encoder to INT8; needs the extra [calibration]")
    added.add_argument("encoder", metavar="ENCODER", help="an fp32 .onnx, or a bundle with one")
    added.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="INT8 .onnx, its report beside it; or a bundle"
    )
    targets = ("any", "x86-vnni", "x86", "arm", "auto")
    added.add_argument("--target", choices=targets, default="any", help="processor (default: %(default)s; auto: this)")
    added.add_argument(
        "--budget", type=float, default=0.995, metavar="C", help="least mean cosine (default: %(default)s)"
    )
    calibration_options(added)

    added = command("compare", _compare, "measure an INT8 encoder against fp32; needs the extra [calibration]")
    added.add_argument("fp32", metavar="FP32", help="an .onnx, or a bundle")
    added.add_argument("int8", metavar="INT8.onnx")
    added.add_argument("--json", metavar="FILE", help="write the report")
    added.add_argument("-o", "--output", metavar="BUNDLE", help="of a bundle: write it anew with the INT8 encoder")
    calibration_options(added)

    add_training(command, DATASET)
    return top


def _demo(arguments: argparse.Namespace) -> None:
    demo(Path(arguments.output), arguments.model, arguments.threads)


def _run(arguments: argparse.Namespace) -> None:
    recognizer_options = {
        "threads": arguments.threads,
        "smoothing": arguments.smoothing,
        "unknown_below": arguments.unknown_below,
    }
    run(
        arguments.source,
        arguments.model,
        recognizer_options,
        Printer(arguments.json),
        frame_rate=arguments.frame_rate,
        seconds=arguments.seconds,
        save=arguments.save,
        show=arguments.show,
    )


def _eval(arguments: argparse.Namespace) -> None:
    if arguments.png:
        edgevtn.errors.require("matplotlib", "plots")  # before the work, not after it
    clips = read_dataset(arguments.manifest, arguments.split)
    # Where a dataset has a published split, the model was trained on the other part of it.
    clips = [clip for clip in clips if clip.fold == TEST] or clips
    recognizer = edgevtn.Recognizer(arguments.model, threads=arguments.threads, start="repeat")
    result = evaluate(recognizer, clips)
    print(result)
    print_mistakes(result)
    if arguments.png:
        result.save_png(arguments.png)
        print(f"\nwrote {arguments.png}")


def _info(arguments: argparse.Namespace) -> None:
    from edgevtn.cli.info import describe

    for section, facts in describe(edgevtn.load_streams(arguments.bundle)).items():
        print(section)
        for name, value in facts.items():
            print(f"  {name:18} {value}")


def _bench(arguments: argparse.Namespace) -> None:
    from edgevtn.profiling import bench

    if not arguments.seconds > 0:
        raise ValueError(f"--seconds must be above 0, got {arguments.seconds}")
    recognizer = edgevtn.Recognizer(
        arguments.bundle, threads=arguments.threads, precision=arguments.precision, start="repeat"
    )
    profile = bench(recognizer, arguments.seconds, arguments.source)
    print(profile)
    if arguments.json:
        write_whole(arguments.json, profile.to_json().encode())


def _import(arguments: argparse.Namespace) -> None:
    edgevtn.errors.require("onnx", "import")
    from edgevtn.importing import import_files

    output = Path(arguments.output)

    def into(folder: Path) -> None:
        import_files(
            arguments.files,
            folder,
            labels=arguments.labels,
            frame_rate=arguments.frame_rate,
            name=arguments.name or output.resolve().name,
        )

    _imported(into, output, arguments.clips)


def _fetch(arguments: argparse.Namespace) -> None:
    edgevtn.errors.require("onnx", "import")
    from edgevtn.importing import fetch, registry

    if arguments.name is None:
        for name, model in registry().items():
            print(f"{name:42} {model['labels']:12} {', '.join(model['precisions'])}")
        return

    def into(folder: Path) -> None:
        fetch(arguments.name, folder, precision=arguments.precision, mirror=arguments.mirror)

    _imported(into, Path(arguments.output or arguments.name), arguments.clips)


def _imported(into: Callable[[Path], None], bundle: Path, clips: str | None) -> None:
    """Import into a folder, or beside it and calibrate from there; say what came of it."""
    if clips is None:
        into(bundle)
    else:
        from edgevtn.calibration import calibrate_bundle

        with tempfile.TemporaryDirectory() as temporary:
            into(Path(temporary) / "fp32")
            for report in calibrate_bundle(Path(temporary) / "fp32", clips, bundle).values():
                print(report)
    streams = edgevtn.load_streams(bundle)
    for stream in streams:
        model = stream.model
        kind = "native" if stream.decoder else "ONNX"
        print(f"{model.modality}: {model.source}; T {model.clip_len}, D {model.embed_dim}, {kind} decoder")
    labels = streams[0].model.labels
    print(f"{len(labels)} labels: {', '.join(labels[:4])}{', ...' if len(labels) > 4 else ''}")
    print(f"wrote {bundle}; try: edgevtn run SOURCE --model {bundle}")


def _triple(text: str) -> tuple[float, float, float]:
    """Three numbers with commas between, or one for all."""
    values = [float(part) for part in text.split(",")]
    a, b, c = values * 3 if len(values) == 1 else values
    return a, b, c


def _normalisation(arguments: argparse.Namespace) -> Any:
    if (arguments.mean is None) != (arguments.std is None):
        raise ValueError("--mean and --std belong together; expected both or none")
    return None if arguments.mean is None else (arguments.mean, arguments.std)


def _calibrate(arguments: argparse.Namespace) -> None:
    edgevtn.errors.require("onnx", "calibration")
    from edgevtn.calibration import calibrate_bundle, calibrate_file

    output = Path(arguments.output)
    options = {"target": arguments.target, "budget": arguments.budget, "seed": arguments.seed}
    if Path(arguments.encoder).is_dir():
        reports = calibrate_bundle(arguments.encoder, arguments.clips, output, **options)
        beside = [output / ("calibration" if len(reports) == 1 else f"{name}/calibration") for name in reports]
    else:
        options |= {"color_order": arguments.color_order, "normalisation": _normalisation(arguments)}
        reports, beside = {"": calibrate_file(arguments.encoder, arguments.clips, output, **options)}, [output]
    for name, report in reports.items():
        print(f"{name}\n{report}" if len(reports) > 1 else report)
    files = ", ".join(str(file.with_suffix(suffix)) for file in beside for suffix in (".html", ".json"))
    print(f"wrote {output}; the report: {files}")


def _compare(arguments: argparse.Namespace) -> None:
    edgevtn.errors.require("onnx", "calibration")
    from edgevtn.calibration import compare_bundle, compare_files

    if Path(arguments.fp32).is_dir():
        report = compare_bundle(arguments.fp32, arguments.int8, arguments.clips, arguments.output, seed=arguments.seed)
    elif arguments.output is not None:
        raise ValueError("-o writes a new bundle; expected a bundle as the first argument, got a file")
    else:
        report = compare_files(
            arguments.fp32,
            arguments.int8,
            arguments.clips,
            color_order=arguments.color_order,
            normalisation=_normalisation(arguments),
            seed=arguments.seed,
        )
    print(report)
    if arguments.json:
        write_whole(arguments.json, report.to_json().encode())
    if arguments.output:
        print(f"wrote {arguments.output}")


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"edgevtn: warning: {message}", file=sys.stderr)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0, 1 after an error, 2 for wrong arguments, 130 if stopped."""
    parsed = parser().parse_args(arguments)
    warnings.showwarning = _show_warning
    signal.signal(signal.SIGTERM, _terminate)
    try:
        parsed.function(parsed)
    except BrokenPipeError:
        # Whoever read our output has gone, as with `edgevtn run ... | head`. Nothing is left to say, and Python
        # must not fail again on flushing it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (edgevtn.EdgeVTNError, ValueError, OSError) as error:
        print(f"edgevtn: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
