"""Clips cut out of videos: which expressions, which frames, what is known of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mezoo import Expression, Video
from mezoo.clips import blind, cut, cut_clips
from mezoo.datasets.class_maps import class_map
from mezoo.envelope import ClipsBlock
from mezoo.store import key_of


@dataclass(frozen=True)
class Counting:
    """A film whose frame i is i everywhere; one file, or one a frame."""

    n: int
    single: Path | None = None

    def __len__(self):
        return self.n

    def read(self, index, *, grey=False):
        return np.full((2, 2), index, dtype=np.uint8)

    def number(self, index):
        return index + 101

    def files(self):
        return (self.single,) if self.single else tuple(Path(f"{i}.png") for i in range(self.n))


def video(*expressions, n=100, fps=200.0):
    return Video("casme2", "01", "a", fps, Counting(n), expressions)


def block(**more):
    return ClipsBlock(classes="casme2_5", **more)


def seen(clip):
    return [int(clip.frames.read(i)[0, 0]) for i in range(len(clip.frames))]


HAPPY = Expression("e1", "micro", 10, 30, 18, "happiness", "6+12")


def test_all_frames_from_onset_to_offset():
    clip = cut(video(HAPPY), HAPPY, block())
    assert seen(clip) == [*range(10, 31)]
    assert (clip.expressions[0].onset, clip.expressions[0].apex, clip.expressions[0].offset) == (0, 8, 20)
    assert clip.frames.number(0) == 111
    assert clip.fps == 200
    assert [f.name for f in clip.frames.files()][:2] == ["10.png", "11.png"]
    assert clip.cut is not None
    assert (clip.cut.n_frames, clip.cut.indices[:2]) == (100, (10, 11))


def test_to_the_apex_or_at_equal_steps_or_key_frames():
    assert seen(cut(video(HAPPY), HAPPY, block(end="apex"))) == [*range(10, 19)]
    even = cut(video(HAPPY), HAPPY, block(take="linear", frames=5))
    assert seen(even) == [10, 15, 20, 25, 30]
    assert even.expressions[0].apex == 2
    assert even.fps == pytest.approx(200 * 4 / 20)
    assert seen(cut(video(HAPPY), HAPPY, block(take="key_frames"))) == [10, 18, 24, 30]
    assert seen(cut(video(HAPPY), HAPPY, block(take="key_frames_official"))) == [10, 18, 16, 30]


@given(st.integers(0, 40), st.integers(0, 30), st.integers(0, 30), st.integers(2, 20), st.booleans())
def test_every_way_keeps_the_ends_and_the_order(onset, rise, fall, frames, annotated):
    expression = Expression("e", "micro", onset, onset + rise + fall, onset + rise if annotated else None, "surprise")
    for options in ({}, {"end": "apex"}, {"take": "linear", "frames": frames}, {"take": "key_frames"}):
        clip = cut(video(expression), expression, block(**options))
        given_frames, known = seen(clip), clip.expressions[0]
        assert given_frames == sorted(given_frames)
        assert given_frames[0] == onset
        apex = onset + rise if annotated else (2 * onset + rise + fall) // 2
        assert given_frames[-1] == (apex if options.get("end") else onset + rise + fall)
        assert known.onset == 0 <= known.apex <= known.offset == len(clip.frames) - 1
        assert abs(given_frames[known.apex] - apex) == min(abs(f - apex) for f in given_frames)
        assert clip.fps > 0


def test_classes_kinds_and_what_is_left_out():
    macro = Expression("e2", "macro", 40, 80, 60, "surprise")
    fear = Expression("e3", "micro", 85, 95, None, "fear")
    clips = cut_clips([video(HAPPY, macro, fear)], block(), class_map("casme2_5"))
    assert [v.key for v in clips.videos] == ["casme2/01/a_e1_10"]
    assert clips.labels == {"casme2/01/a_e1_10": 0}
    assert (clips.without_class, clips.other_kind, clips.without_apex) == (1, 1, 0)
    both = cut_clips([video(HAPPY, macro, fear)], block(kind="both"), class_map("native", ("surprise", "fear")))
    assert [clips.classes.index("happiness"), *both.labels.values()] == [0, 0, 1]
    assert both.without_apex == 1
    assert cut_clips([video(HAPPY)], block(), class_map("casme2_5")).videos[0].code == "a", "a clip keeps its name"


def test_a_blind_clip_tells_its_interval_only():
    clip = blind(cut(video(HAPPY), HAPPY, block()))
    assert clip.expressions == (Expression("", "micro", 0, 20, 8),)


def test_the_store_tells_cuts_of_one_film_apart(tmp_path):
    class Feature:
        def sources(self, video):
            return ()

    film = tmp_path / "film.avi"
    film.write_bytes(b"x")
    whole = Video("film", "-", "a", 200.0, Counting(100, film), (HAPPY,))
    keys = [
        key_of(v, Feature(), {})
        for v in (whole, *(cut(whole, HAPPY, block(**o)) for o in ({}, {"end": "apex"}, {"take": "key_frames"})))
    ]
    assert len({str(k) for k in keys}) == 4
    assert len({k["frames"] for k in keys}) == 1
