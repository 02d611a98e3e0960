"""docs/benchmarks.md and its plots, from the file that scripts/bench saved."""

import io
import json
import sys
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

from matplotlib.figure import Figure

from edgevtn.files import write_whole

DOCS = Path(__file__).parents[1] / "docs"
#: Whose versions the figures depend on; those of the environment that makes the report.
PACKAGES = ("numpy", "numba", "onnxruntime", "openvino", "torch")
HEAD = """# Benchmarks

Made by `scripts/benchmark_report.py` from one run of `taskset -c 1 scripts/bench`: one pinned thread. Numbers are
medians, and the ratios are between things that were timed in that run. Results are compared before they are timed.

- Machine: {machine}
- Python {python}, {versions}
- {date}

Processors differ, and this one was shared with others while it measured: look at the ratios.
Nothing here ran on a Raspberry Pi.
"""

#: Ours are blue.
COLORS = {"edgevtn": "#3568a8", "edgevtn on OpenVINO": "#7a9cc6"}

AMX = """## The same on a processor without AMX

OpenVINO uses this server processor's matrix unit (AMX), which no board or small PC has; onnxruntime does not. With
`ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16` OpenVINO does without it: another run, where the rest is the same.
"""


def milliseconds(benchmark):
    return 1e3 * benchmark["stats"]["median"]


def table(benchmarks):
    first = milliseconds(benchmarks[0])
    lines = ["| what | median | to the first |", "| --- | --- | --- |"]
    for each in benchmarks:
        name = (each["params"] or {}).get("way") or each["name"].partition("[")[2].rstrip("]") or each["name"]
        extra = each.get("extra_info", {})
        note = f" ({extra['cpu_seconds']:.4f} CPU seconds)" if "cpu_seconds" in extra else ""
        if "cpu_seconds_edgevtn" in extra:  # measured in turns with it
            ours = extra["cpu_seconds_edgevtn"]
            note = f"{note[:-1]}; edgevtn {ours:.4f}, {ours / extra['cpu_seconds']:.2f} of it)"
        lines.append(f"| {name} | {milliseconds(each):.3f} ms{note} | {milliseconds(each) / first:.2f} |")
        if "in_turns" in extra:  # processor time of the whole, which comes first, and of its parts
            whole, *_ = extra["in_turns"].values()
            lines[2:] = [f"| {k} | {1e3 * v:.3f} ms | {v / whole:.2f} |" for k, v in extra["in_turns"].items()]
    return "\n".join(lines)


def growth_plot(groups):
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    for n, D in enumerate((128, 256, 512)):
        axes = figure.add_subplot(1, 3, n + 1)
        for precision, color in (("fp32", "#3568a8"), ("int8", "#c08a2b")):
            found = [each for each in groups[f"decoder growth, D {D}"] if each["params"]["precision"] == precision]
            found.sort(key=lambda each: each["params"]["T"])
            lengths = [each["params"]["T"] for each in found]
            axes.plot(lengths, [milliseconds(each) for each in found], "o-", color=color, label=precision)
            # The floor: the best rate that any of these steps reached.
            rate = max(each["extra_info"]["macs"] / each["stats"]["median"] for each in steps(groups, precision))
            axes.plot(lengths, [1e3 * each["extra_info"]["macs"] / rate for each in found], ":", color=color)
        axes.set_title(f"D {D}")
        axes.set_xlabel("T, frames")
        axes.set_ylim(0)
    figure.axes[0].set_ylabel("ms a step; dotted: at the best rate seen")
    figure.axes[0].legend()
    save(figure, "benchmark-growth.png")


def steps(groups, precision):
    found = [each for name, found in groups.items() if name.startswith("decoder growth, D") for each in found]
    return [each for each in found if each["params"]["precision"] == precision]


def bars(groups):
    names = [name for name in groups if name.startswith("whole frame")]
    figure = Figure(figsize=(9, 2.4), layout="constrained")
    for n, name in enumerate(names):
        axes = figure.add_subplot(1, len(names), n + 1)
        found = {each["params"]["way"]: milliseconds(each) for each in groups[name]}
        naive = found.pop("without reuse", None)  # so long a bar that the others could not be told apart
        shown = axes.barh(list(found), list(found.values()), color=[COLORS.get(way, "#888888") for way in found])
        axes.bar_label(shown, fmt="%.1f", padding=3)
        axes.margins(x=0.15)
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(name.removesuffix(", 1 thread"))
        axes.set_xlabel("ms a frame" + ("" if naive is None else f"\nwithout reuse of features: {naive:.1f}"))
    save(figure, "benchmark-frame.png")


def save(figure, name):
    content = io.BytesIO()
    figure.savefig(content, dpi=110, format="png")
    write_whole(DOCS / name, content.getvalue())


def main(file, without_amx=None):
    groups, saved = read(file)
    cpu = saved["machine_info"]["cpu"]
    head = HEAD.format(
        machine=f"{cpu.get('brand_raw', 'unknown')}, {cpu.get('count', '?')} cores",
        python=saved["machine_info"]["python_version"],
        versions=", ".join(f"{name} {version(name)}" for name in PACKAGES),
        date=saved["datetime"][:10],
    )
    parts = [head, "![Milliseconds a frame, three ways](benchmark-frame.png)", ""]
    for name, found in groups.items():
        parts += [f"## {name[0].upper()}{name[1:]}", "", table(found), ""]
        if name == "decoder growth, classes":
            parts += ["![The step's cost over T for three widths](benchmark-growth.png)", ""]
    if without_amx:
        parts += [AMX]
        for name, found in read(without_amx)[0].items():
            if any(mark in table(found) for mark in ("openvino", "open model zoo")):
                parts += [f"### {name[0].upper()}{name[1:]}, without AMX", "", table(found), ""]
    write_whole(DOCS / "benchmarks.md", ("\n".join(parts).rstrip() + "\n").encode())
    growth_plot(groups)
    bars(groups)


def read(file):
    saved = json.loads(Path(file).read_text("utf-8"))
    groups = defaultdict(list)
    for each in saved["benchmarks"]:
        groups[each["group"]].append(each)
    return groups, saved


if __name__ == "__main__":
    main(*sys.argv[1:])
