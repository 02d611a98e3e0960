"""From drawn clips to a bundle that recognises them, and back."""

import csv
import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from window_statistics import statistics

import edgevtn
from edgevtn.errors import BundleError, ManifestError
from edgevtn.heads.linear import rooted
from edgevtn.teaching import Example, Extractor, Taught, read_examples, teach
from edgevtn.teaching.store import FILE

LABELS = ("bend", "jack", "wave1")


def weights_of(taught):
    return np.concatenate([taught.arrays["w_classes"], taught.arrays["b_classes"][None]])


def test_the_report_tells_what_is_known(taught):
    report = taught.report
    assert report.labels == LABELS
    assert taught.labels == (*LABELS, "nothing", "unknown")
    assert report.clips == dict.fromkeys(LABELS, 3)
    assert report.takes == dict.fromkeys(LABELS, 3)
    assert "3" in report.groups
    low, high = report.interval
    assert low < report.accuracy <= high
    assert low < 0.9  # nine clips are never a whole certainty
    assert report.corrected <= report.accuracy
    assert np.array(report.confusion).sum() == 9
    assert [count for count, _ in report.learning] == [1, 2]
    assert report.alarms_per_hour is None
    assert set(report.wanting) == set(LABELS)
    assert json.loads(json.dumps(report.as_dict()))["accuracy"] == report.accuracy
    assert "accuracy on takes left out" in str(report)
    best = max(entry["accuracy"] for entry in report.candidates)
    assert report.accuracy <= best + 1e-9 or len(report.candidates) == 1


def rejected(logits, temperature):
    """How much "unknown" gains: the squared distance of the scores, none below -1, from -1, over four temperatures."""
    return sum(max(score * temperature + 1, 0) ** 2 for score in logits) / (4 * temperature)


def test_streaming_equals_batch(taught, tmp_path, examples):
    taught.save(tmp_path / "mine")
    recognizer = edgevtn.Recognizer(tmp_path / "mine", threads=1, start="repeat")
    extractor, T = Extractor(threads=1, modality=taught.modality), taught.facts.window_len
    head = taught.facts.build(taught.arrays, tmp_path, "auto")
    with edgevtn.frames(examples[0].source) as source:
        streamed = list(recognizer.stream(source))
    rows = rooted(extractor(examples[0].source).at(taught.frame_rate, taught.size, taught.modality))
    assert len(streamed) == len(rows)
    filled = np.concatenate([np.repeat(rows[:1], T - 1, axis=0), rows])
    w, b = taught.arrays["w_classes"].astype(np.float64), taught.arrays["b_classes"].astype(np.float64)
    for n, prediction in enumerate(streamed):
        window = filled[n : n + T].astype(np.float64)
        logits = statistics(window, taught.facts.statistics) @ w + b
        logits[-1] += rejected(logits[:-1], taught.facts.temperature)
        expected = np.exp(logits - logits.max())
        # The features that were kept are float16; the recogniser's are float32.
        np.testing.assert_allclose(prediction.probabilities, expected / expected.sum(), atol=0.02)
    exact = rooted(np.random.default_rng(0).random((T, taught.facts.width), np.float32))
    for row in np.square(exact):
        head.push(row[None])
    logits = statistics(exact.astype(np.float64), taught.facts.statistics) @ w + b
    logits[-1] += rejected(logits[:-1], taught.facts.temperature)
    np.testing.assert_allclose(head(), logits, rtol=1e-5, atol=1e-5 * np.abs(logits).max())


def test_taught_clips_are_recognised_and_still_pictures_refused(taught, tmp_path, examples):
    taught.save(tmp_path / "mine")
    recognizer = edgevtn.Recognizer(tmp_path / "mine", threads=1, start="repeat")
    for example in examples:
        recognizer.reset()
        with edgevtn.frames(example.source) as source:
            pictures = list(source)
        mean = np.mean([p.probabilities for p in recognizer.stream(pictures)], axis=0)
        assert taught.labels[int(mean[:3].argmax())] == example.label
    recognizer.reset()
    still = [(n / 25, pictures[0][1]) for n in range(60)]
    assert {p.label for p in recognizer.stream(still)} <= {"nothing", "unknown"}


def test_adding_and_removing_equal_teaching_at_once(taught, tmp_path, examples, cache):
    two = [example for example in examples if example.label != "jack"]
    with_jack = [example for example in examples if example.label == "jack"]
    first = teach(two, cache=cache, threads=1)
    first.save(tmp_path / "mine")
    loaded = Taught.load(tmp_path / "mine")
    np.testing.assert_allclose(weights_of(loaded), weights_of(first), atol=1e-6)
    more = loaded.add(with_jack, cache=cache, threads=1)
    assert more.labels == taught.labels
    np.testing.assert_allclose(weights_of(more), weights_of(taught), atol=1e-6)
    less = taught.remove("jack")
    np.testing.assert_allclose(weights_of(less), weights_of(first), atol=1e-6)
    with pytest.raises(ManifestError, match="expected a label to remove"):
        taught.remove("walk")
    with pytest.raises(ManifestError, match="two labels or more"):
        less.remove("bend")


def test_one_label_beside_nothing_is_not_enough_and_it_says_so(examples, cache):
    idle = [dataclasses.replace(example, label="nothing") for example in examples if example.label == "jack"]
    bending = [example for example in examples if example.label == "bend"]
    with pytest.raises(ManifestError, match="two labels or more beside 'nothing' .* got only 'bend'"):
        teach(bending + idle, cache=cache, threads=1)


def test_the_encoder_is_shared_with_the_default_model(taught, tmp_path):
    taught.save(tmp_path / "mine", name="gestures")
    recognizer = edgevtn.Recognizer([None, tmp_path / "mine"], threads=1)
    sums = {model.sha256["encoder.onnx"] for model in recognizer.models.values()}
    assert len(sums) == 1
    assert "gestures" in recognizer.models


def test_clips_of_nothing_become_a_class_and_alarms_are_counted(examples, cache, videos):
    taught = teach(
        [e for e in examples if e.label != "jack"], nothing=videos / "jack", cache=cache, threads=1, make_nothing=False
    )
    assert taught.labels == ("bend", "wave1", "nothing", "unknown")
    assert taught.report.alarms_per_hour >= 0
    assert taught.report.clips == {"bend": 3, "wave1": 3}


def test_one_take_is_told_and_not_praised(examples, cache):
    alone = [example for example in examples if "ann" in example.name]
    with pytest.warns(RuntimeWarning, match="one take alone of bend, jack, wave1"):
        taught = teach(alone, cache=cache, threads=1)
    assert taught.report.accuracy is None
    assert "accuracy is not known" in str(taught.report)
    assert "one take" in str(taught.report)


def test_a_label_of_one_take_does_not_hide_how_well_the_others_are_recognised(examples, cache):
    """What was compared and what is told of the choice are the same: of the others, among all labels."""
    some = [e for e in examples if e.label != "jack" or "ann" in e.name]
    with pytest.warns(RuntimeWarning, match="one take alone of jack, so how well it recognises these is not known"):
        taught = teach(some, cache=cache, threads=1)
    report = taught.report
    assert taught.labels[:3] == ("bend", "jack", "wave1")
    names = ("statistics", "rate", "window_len")
    (chosen,) = (c for c in report.candidates if all(c[name] == report.chosen[name] for name in names))
    assert report.accuracy == pytest.approx(chosen["accuracy"])
    assert report.confusion[1] == [0, 0, 0]
    assert np.sum(report.confusion) == 6
    assert "so not of jack" in str(report)
    assert set(report.takes.values()) == {1, 3}


def test_a_broken_clip_among_good_ones_is_named(examples, cache, tmp_path):
    (tmp_path / "broken.avi").write_bytes(b"RIFF no video")
    with pytest.warns(RuntimeWarning, match=r"left out: .*broken\.avi"):
        taught = teach([*examples, Example(tmp_path / "broken.avi", "bend")], cache=cache, threads=1)
    assert any("broken.avi" in text for text in taught.report.warnings)
    assert taught.report.clips["bend"] == 3


def test_too_little_is_refused(examples, cache, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ManifestError, match="folder of video files for each class"):
        teach(tmp_path / "empty")
    with pytest.raises(ManifestError, match="there is no clip"):
        teach([])
    with pytest.raises(ManifestError, match="only 'bend'"):
        teach(examples[:3], cache=cache, threads=1)
    with pytest.raises(ManifestError, match="a label other than 'unknown'"):
        teach([Example("x.avi", "unknown")])
    (tmp_path / "broken.avi").write_bytes(b"no video")
    with (
        pytest.warns(RuntimeWarning, match="left out"),
        pytest.raises(ManifestError, match="got none"),
    ):
        teach([(tmp_path / "broken.avi", "a")], cache=cache, threads=1)


def test_what_was_saved_is_checked(taught, tmp_path):
    taught.save(tmp_path / "mine")
    file = tmp_path / "mine" / FILE
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(BundleError, match="teach the model again"):
        Taught.load(tmp_path / "mine")
    file.unlink()
    with pytest.raises(BundleError, match="missing"):
        Taught.load(tmp_path / "mine")
    with pytest.raises(FileExistsError):
        taught.save(tmp_path)


def test_parts_of_a_clip(videos, cache, tmp_path):
    extractor = Extractor(cache=cache, threads=1)
    file = videos / "bend" / "ann_bend.avi"
    whole, part = extractor(file), extractor(file, 0.4, 1.0)
    assert len(part.rows) == 8
    np.testing.assert_allclose(part.rows, whole.rows[5:13], atol=1e-3)
    assert part.seconds == pytest.approx(8 / 12.5)
    with pytest.raises(edgevtn.errors.SourceError, match="no frame between"):
        extractor(file, 50, 60)
    with pytest.raises(ValueError, match="start < end"):
        extractor(file, 1, 0.5)
    with pytest.raises(ValueError, match="divides"):
        whole.at(5)


@pytest.mark.parametrize("rate", [6.25, 12.5])
def test_rows_are_what_a_recogniser_of_that_rate_encodes(videos, cache, rate):
    file = videos / "jack" / "bob_jack.avi"
    exact = Extractor(rate=rate, cache=cache, threads=1)(file)
    thinned = Extractor(cache=cache, threads=1)(file).at(rate)
    np.testing.assert_array_equal(exact.rows.astype(np.float32), thinned)


def test_a_folder_and_a_manifest_with_parts(videos, cache, tmp_path):
    assert teach(videos, cache=cache, threads=1).report.clips == dict.fromkeys(LABELS, 3)
    lines = ["clip,label,start,end,person"]
    lines += [f"{f.relative_to(videos)},{f.parent.name},0.2,1.2,{f.name[:3]}" for f in sorted(videos.glob("*/*.avi"))]
    manifest = videos / "parts.csv"
    manifest.write_text("\n".join(lines))
    try:
        report = teach(manifest, cache=cache, threads=1).report
    finally:
        manifest.unlink()
    assert "given: 3 of 9" in report.groups
    for bad, message in (("0.5,0.2", "not later"), ("a,", "expected seconds"), ("-1,", "expected seconds")):
        manifest.write_text(f"clip,label,start,end\nbend/ann_bend.avi,bend,{bad}")
        with pytest.raises(ManifestError, match=message):
            teach(manifest)
        manifest.unlink()


def test_one_long_video_and_a_list_of_its_parts(videos, cache, tmp_path):
    file, lines, frames = tmp_path / "long.avi", ["video,label,start,end"], 0
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 25, (160, 120))
    for clip in sorted(videos.glob("*/*.avi")):
        with edgevtn.frames(clip) as source:
            first = frames
            for _, frame in source:
                writer.write(frame)
                frames += 1
        lines.append(f"long.avi,{clip.parent.name},{first / 25},{(frames - 1) / 25}")
    writer.release()
    (tmp_path / "segments.csv").write_text("\n".join(lines))
    report = teach(tmp_path / "segments.csv", cache=cache, threads=1).report
    assert report.clips == dict.fromkeys(LABELS, 3)
    assert "of one recording" in report.groups
    assert "flatters" in report.groups
    assert report.accuracy is not None
    with pytest.raises(ManifestError, match="list its parts in a CSV"):
        teach(file)


def test_segments_of_untrimmed_recordings(cache, shared):
    """Falls and daily activities of four people, as they were annotated."""
    file = shared / "data" / "gmdcsa24" / "segments.csv"
    with file.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["label"] in ("falling", "sitting", "standing", "walking")]
    examples = [
        Example(file.parent / row["clip"], row["label"], row["fold"], float(row["start"]), float(row["end"]))
        for row in rows
    ]
    known = [e for e in read_examples(file) if e.label in {e.label for e in examples}]
    assert [(e.name, e.label, e.group, e.start, e.end) for e in known] == [
        (str(Path(e.name).resolve()), e.label, e.group, e.start, e.end) for e in examples
    ]
    report = teach(known, cache=cache, threads=1).report
    assert sum(report.clips.values()) == len(rows)
    assert set(report.takes.values()) == {4}
    assert "given: 4" in report.groups
    assert report.accuracy > 0.5  # of four labels, of people that were not seen
