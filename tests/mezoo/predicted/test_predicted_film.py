from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from mezoo.errors import DataError
from mezoo.films import VideoFile
from mezoo.predicted import film, write_all, write_mp4
from mezoo.predicted.film import rate_of
from mezoo.predicted.overlay import fitted


def test_every_frame_has_a_strip_whose_cursor_moves(made, tmp_path):
    p = made.prediction(made.found(5, 9), frames=made.Pictures(20, shape=(91, 121, 3)), face=made.face(20))
    write_mp4(p, tmp_path / "a.mp4")
    made_film = VideoFile(tmp_path / "a.mp4")
    assert len(made_film) == 20
    assert made_film.fps == 25.0
    first, last = made_film.read(0), made_film.read(19)
    assert first.shape[:2] == (92 + 56, 120)
    assert abs(int(first[80, 110].mean()) - 40) < 8
    assert first[-3:, :10].max() > last[-3:, :10].max() + 100
    assert last[-3:, 110:].max() > first[-3:, 110:].max() + 100
    # the box of the face, green, at the left edge of 20 of 121 px
    assert first[20:40, 18:23, 1].max() > first[20:40, 18:23, 0].max() + 60
    assert [f.name for f in tmp_path.iterdir()] == ["a.mp4"]


def test_frames_that_are_lost_keep_their_place(made, tmp_path):
    p = made.prediction(frames=made.Pictures(12, lost=(0, 1, 6), asked=[]))
    write_mp4(p, tmp_path / "a.mp4")
    assert p.film.frames.asked == [*range(12)]
    made_film = VideoFile(tmp_path / "a.mp4")
    assert len(made_film) == 12
    assert abs(int(made_film.read(6)[5, 5].mean()) - 70) < 8
    assert abs(int(made_film.read(7)[5, 5].mean()) - 54) < 8


def test_a_film_without_a_frame_is_refused_and_leaves_nothing(made, tmp_path):
    with pytest.raises(DataError, match="no frame"):
        write_mp4(made.prediction(frames=made.Pictures(3, lost=(0, 1, 2))), tmp_path / "a.mp4")
    assert [*tmp_path.iterdir()] == []


def test_a_film_that_breaks_leaves_the_old_one(made, tmp_path):
    class Broken(made.Pictures):
        def read(self, index, *, grey=False):
            if index == 5:
                raise KeyboardInterrupt
            return super().read(index)

    (tmp_path / "a.mp4").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_mp4(made.prediction(frames=Broken(10)), tmp_path / "a.mp4")
    assert [(f.name, f.read_text()) for f in tmp_path.iterdir()] == [("a.mp4", "old")]


def test_without_h264_it_is_mpeg4(made, tmp_path, monkeypatch):
    monkeypatch.setattr(film, "_H264", ())
    p = made.prediction(frames=made.Pictures(5))
    write_mp4(replace(p, film=replace(p.film, fps=119.87654321)), tmp_path / "a.mp4")
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "mpeg4"
        assert float(container.streams.video[0].average_rate) == pytest.approx(119.8765, abs=1e-3)


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        (25.0, Fraction(25)),
        (23.976, Fraction(24000, 1001)),
        (24000 / 1001, Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (7.5, Fraction(15, 2)),
        (200.0, Fraction(200)),
        (1000.0, Fraction(1000)),
    ],
)
def test_rates_are_fractions(fps, rate):
    assert rate_of(fps, "libx264") == rate


@pytest.mark.parametrize("fps", [0.5, 23.976, 119.87654321, 1000.0, 9999.9])
def test_mpeg4_can_keep_the_rate(fps):
    rate = rate_of(fps, "mpeg4")
    assert max(rate.numerator, rate.denominator) <= 65535
    assert float(rate) == pytest.approx(fps, rel=2e-2)


@pytest.mark.parametrize(
    ("size", "found"),
    [((1080, 1920), (720, 1280)), ((2000, 1001), (1280, 640)), ((91, 121), (92, 120)), ((1, 1), (2, 2))],
)
def test_sizes_are_even_and_not_large(size, found):
    assert fitted(*size) == found


def test_everything_is_written_beside_each_other(made, tmp_path):
    write_mp4(made.prediction(frames=made.Pictures(30)), tmp_path / "my film.mp4")
    source = VideoFile(tmp_path / "my film.mp4")
    p = made.prediction(made.found(5, 9), frames=source, n=30)
    p = replace(p, film=replace(p.film, code="my film", fps=source.fps))
    steps: list[str] = []

    def bars(title, total):
        steps.append(f"{title} {total}")
        return film.no_bars(title, total)

    without = write_all(p, tmp_path / "out", bars=bars)
    assert without.film is None
    assert steps == ["pictures 3"]
    outputs = write_all(p, tmp_path / "out", film=True, bars=bars)
    assert steps == ["pictures 3", "film 30", "pictures 3"]
    names = {"prediction.html", "spots.csv", "prediction.json", "my_film.eaf", "annotated.mp4"}
    assert {f.name for f in (tmp_path / "out").iterdir()} == names
    page = outputs.page.read_text(encoding="utf-8")
    assert all(f'href="{name}"' in page for name in names - {"prediction.html"})
    assert "<h1>my film.mp4</h1>" in page
    assert 'RELATIVE_MEDIA_URL="../my film.mp4"' in outputs.eaf.read_text(encoding="utf-8")
    assert np.abs(VideoFile(outputs.film).read(0)[5, 5].astype(int) - source.read(0)[5, 5]).max() < 12
