"""What to type: lines for `edgevtn COMMAND --help`, and for whoever types `edgevtn` alone."""

from __future__ import annotations

#: By command; each line with what it does.
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "demo": (("edgevtn demo", "the bundled model; the results are in edgevtn-demo/"),
             ("edgevtn demo --model mine -o shown", "a model of your own")),
    "run": (("edgevtn run 0", "the first camera"),
            ("edgevtn run clip.mp4 --save seen.mp4", "a file, with an annotated video"),
            ("edgevtn run clips/ more.mp4 --out results", "many files, with one timeline and a page of pictures"),
            ("edgevtn run rtsp://camera/stream --wait --json", "a stream, for another program")),
    "serve": (("edgevtn serve 0", "a page at http://127.0.0.1:8080"),
              ("edgevtn serve 0 --teach lessons", "teach from the page"),
              ("edgevtn serve clip.mp4 --page 127.0.0.1:9000", "another port")),
    "record": (("edgevtn record takes --label wave", "takes of three seconds from the first camera"),
               ("edgevtn record takes --label fall --takes 10 --seconds 5 --show", "see yourself meanwhile")),
    "teach": (("edgevtn teach takes -o mine", "takes/ has a folder of clips for each label"),
              ("edgevtn teach takes -o mine --nothing room.mp4 --report mine.html", "what is none of them; a page"),
              ("edgevtn teach more --add-to mine", "more of the same, or other labels")),
    "index": (("edgevtn index videos/ -o index/", "every recording once; again after new ones"),
              ("edgevtn index videos/ -o index/ --model mine --jobs 1", "your own model, one core")),
    "find": (("edgevtn find index/ --label fall", "events, the surest first"),
             ("edgevtn find index/ --where \"label = 'fall' and score > 0.8\" --json", "by a condition"),
             ("edgevtn find index/ --like clip.mp4 --from 3 --to 5", "moments like one")),
    "eval": (("edgevtn eval clips", "the bundled model; a folder for each label"),
             ("edgevtn eval clips/manifest.csv --model mine --png confusion.png", "a list, and a picture")),
    "info": (("edgevtn info", "the bundled model, and this machine"), ("edgevtn info mine", "a model of your own")),
    "doctor": (("edgevtn doctor", "what is wrong, and what to do"), ("edgevtn doctor --json", "for a bug report")),
    "verify": (("edgevtn verify downloaded", "may it be used?"),
               ("edgevtn verify downloaded --limit-seconds 60", "on a slow board")),
    "warmup": (("edgevtn warmup", "the bundled model"), ("edgevtn warmup mine other --again", "your own, anew")),
    "bench": (("edgevtn bench", "the bundled model"), ("edgevtn bench mine --threads 1 --json bench.json", "your own")),
    "import": (("edgevtn import resnet_34_vtn_rgb_kinetics.pth -o k400", "a checkpoint"),
               ("edgevtn import encoder.xml decoder.xml --labels kinetics400 -o k400", "OpenVINO IR"),
               ("edgevtn import rgb.pth rgbdiff.pth -o two", "two streams")),
    "fetch": (("edgevtn fetch", "the names"), ("edgevtn fetch action-recognition-0001 -o k400", "400 actions")),
    "push": (("edgevtn push me/falls mine --license apache-2.0", "the bundle and its card; none of your clips"),
             ("edgevtn push me/falls mine --private", "for those alone whom you let in")),
    "calibrate": (("edgevtn calibrate k400 --clips clips -o k400-int8", "a bundle"),
                  ("edgevtn calibrate encoder.onnx --clips clips -o encoder-int8.onnx", "an encoder alone")),
    "compare": (("edgevtn compare encoder.onnx encoder-int8.onnx --clips clips", "how far they agree"),
                ("edgevtn compare k400 encoder-int8.onnx --clips clips --json report.json", "with the whole model")),
    "train": (("edgevtn train clips -o mine", "a folder of clips for each label"),
              ("edgevtn train clips/manifest.csv -o mine --size 160 --rate 6.25", "for a small board")),
    "crossval": (("edgevtn crossval clips", "in folds that it makes"),
                 ("edgevtn crossval clips/manifest.csv --json measured.json", "in the list's own")),
}  # fmt: skip
#: What somebody reads who typed the command alone.
FIRST = """\
Type one of these first:

  edgevtn demo                   what it does, on a clip that comes with it
  edgevtn run 0                  the first camera
  edgevtn run clip.mp4           a file of your own
  edgevtn teach takes -o mine    your own actions, from a folder of clips for each

edgevtn --help lists all commands; edgevtn COMMAND --help explains one, with examples."""


def epilog(command: str) -> str | None:
    """The examples of a command as text."""
    lines = EXAMPLES.get(command, ())
    width = max((len(line) for line, _ in lines), default=0)
    return "\n".join(["examples:", *(f"  {line:{width}}  # {what}" for line, what in lines)]) if lines else None
