"""Films made here, the number of each frame burnt in as black and white blocks, so that a wrong frame cannot pass."""

import gc
import multiprocessing
import os
import pickle
import random
import struct
import sys
import threading
import tracemalloc
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest

from mezoo import DataError
from mezoo.films import VideoFile
from mezoo.films.index import Orientation, orientation_of
from mezoo.films.player import OPEN_FILMS
from mezoo.films.readers import WINDOW

SIDE, BITS = 16, 10
H264 = {"codec": "libx264", "options": {"g": "20", "bf": "2"}}
KINDS = {
    "h264_b.mp4": H264,
    "h264_open.mp4": {"codec": "libx264", "options": {"bf": "3", "x264-params": "keyint=12:open-gop=1:scenecut=0"}},
    "h264_b.mkv": H264,
    "h264.mov": {"codec": "libx264", "options": {"g": "7"}},
    "h264.avi": H264,
    "h264.ts": H264,
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": "keyint=20:log-level=none"}},
    "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "mpeg4.avi": {"codec": "mpeg4"},
    "mpeg4_b.avi": {"codec": "mpeg4", "options": {"bf": "2"}},
    "mpeg2_open.mkv": {"codec": "mpeg2video", "options": {"g": "12", "bf": "2"}},
    "ffv1.mkv": {"codec": "ffv1"},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"g": "15", "cpu-used": "8", "deadline": "realtime"}},
    "av1.mp4": {"codec": "libsvtav1", "options": {"preset": "13", "g": "20"}},
    "ten_bits.mp4": {**H264, "pix_fmt": "yuv420p10le"},
}


def picture(index: int) -> np.ndarray:
    """(32, 80, 3) uint8: ten blocks of 16 x 16, the bits of `index`."""
    bits = np.array([(index >> b) & 1 for b in range(BITS)], dtype=np.uint8).reshape(2, BITS // 2)
    return np.repeat(np.kron(bits * 255, np.ones((SIDE, SIDE), dtype=np.uint8))[..., None], 3, 2)


def burnt(image: np.ndarray) -> int:
    """The number in a frame, colour or grey."""
    plane = image if image.ndim == 2 else image.mean(2)
    centres = plane[SIDE // 2 :: SIDE, SIDE // 2 :: SIDE].ravel()
    return sum(1 << b for b, value in enumerate(centres) if value > 127)


def write(path, n=60, codec="libx264", options=None, pix_fmt="yuv420p", times=None, images=None, mux=None, fps=25):
    """A film of `n` frames; `times` in thousandths of a second make its rate variable."""
    try:
        av.Codec(codec, "w")
    except ValueError:
        pytest.skip(f"PyAV was built without {codec}")
    with av.open(str(path), "w", options=mux or {}) as film:
        stream = film.add_stream(codec, rate=fps, options=options or {})
        first = picture(0) if images is None else images[0]
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.thread_count = 1
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for i in range(n):
            frame = av.VideoFrame.from_ndarray(picture(i) if images is None else images[i], format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[i], Fraction(1, 1000)
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    return path


def order(n):
    """Forward, backward, every eighth, and at random."""
    anywhere = random.Random(n)
    return [*range(n), *reversed(range(n)), *range(0, n, 8), *(anywhere.randrange(n) for _ in range(40))]


def assert_exact(film, expected):
    assert len(film) == len(expected)
    for index in order(len(expected)):
        assert burnt(film.read(index)) == expected[index], f"frame {index} of {film.path.name} ({film.reader})"


@pytest.fixture
def no_decord(monkeypatch):
    """As where decord has no wheel."""
    monkeypatch.setitem(sys.modules, "decord", None)


@pytest.mark.parametrize("decoder", ["auto", "pyav"])
@pytest.mark.parametrize("name", KINDS)
def test_every_frame_in_every_order(tmp_path, name, decoder):
    film = VideoFile(write(tmp_path / name, **KINDS[name]), decoder)
    assert_exact(film, range(60))
    assert film.damage == ""
    assert film.fps == 25
    np.testing.assert_allclose(film.times(), np.arange(60) / 25, atol=1e-3)
    film.check()


@pytest.mark.parametrize("name", ["h264_b.mp4", "mjpeg.avi", "ffv1.mkv"])
def test_both_decoders_give_the_same_pixels(tmp_path, name):
    pytest.importorskip("decord")
    noise = np.random.default_rng(0).integers(0, 256, (20, 4, 5, 3), dtype=np.uint8)
    images = np.kron(noise, np.ones((1, 12, 16, 1), dtype=np.uint8))
    path = write(tmp_path / name, 20, **KINDS[name], images=images)
    decord, pyav = VideoFile(path), VideoFile(path, "pyav")
    assert (decord.reader, pyav.reader) == ("decord", "pyav")
    for index in range(20):
        assert np.array_equal(decord.read(index), pyav.read(index))


def test_what_decord_reads_otherwise_goes_to_pyav(tmp_path, monkeypatch):
    decord = pytest.importorskip("decord")
    assert VideoFile(write(tmp_path / "deep.mp4", **KINDS["ten_bits.mp4"])).reader == "pyav"
    assert VideoFile(write(tmp_path / "b.avi", **KINDS["mpeg4_b.avi"])).reader == "pyav"
    path = write(tmp_path / "a.mp4", **H264)
    assert VideoFile(path).reader == "decord"
    film = VideoFile(path)
    film.read(0)
    monkeypatch.setattr(decord.VideoReader, "__getitem__", lambda *_: (_ for _ in ()).throw(RuntimeError("no")))
    assert burnt(film.read(30)) == 30
    assert film.reader == "pyav"
    monkeypatch.setattr(decord.VideoReader, "__len__", lambda _: 61)
    assert VideoFile(path).reader == "pyav"


def test_without_decord(tmp_path, no_decord):
    film = VideoFile(write(tmp_path / "a.mp4", **H264))
    assert film.reader == "pyav"
    assert_exact(film, range(60))


@pytest.mark.parametrize("codec", ["ffv1", "png"])
@pytest.mark.parametrize("decoder", ["auto", "pyav"])
def test_images_are_as_asked(tmp_path, codec, decoder):
    red = np.zeros((6, 48, 64, 3), dtype=np.uint8)
    red[:, :, :32, 0] = 200
    pix_fmt = "bgr0" if codec == "ffv1" else "rgb24"
    film = VideoFile(write(tmp_path / "red.avi", 6, codec=codec, pix_fmt=pix_fmt, images=red), decoder)
    colour, grey = film.read(2), film.read(2, grey=True)
    assert (colour.shape, colour.dtype, grey.shape, grey.dtype) == ((48, 64, 3), np.uint8, (48, 64), np.uint8)
    assert np.array_equal(colour, red[2])
    assert np.array_equal(np.unique(grey), [0, round(0.299 * 200)])
    colour[:] = 7
    assert np.array_equal(film.read(2), red[2])
    assert (film.number(0), film.number(5), film.number(-1)) == (1, 6, 6)
    assert film.files() == (tmp_path / "red.avi",)
    assert np.array_equal(film.read(-1), red[5])
    for index in (6, -7):
        with pytest.raises(IndexError, match="of 6"):
            film.read(index)
        with pytest.raises(IndexError, match="of 6"):
            film.number(index)


@pytest.mark.parametrize("decoder", ["auto", "pyav"])
@pytest.mark.parametrize("name", ["vfr.mp4", "vfr.mkv"])
def test_variable_rate_counts_frames_not_time(tmp_path, name, decoder):
    times = np.cumsum([0, *([20, 40, 100, 40, 33] * 12)])[:50]
    film = VideoFile(write(tmp_path / name, 50, **H264, times=times.tolist()), decoder)
    assert_exact(film, range(50))
    np.testing.assert_allclose(film.times(), times / 1000, atol=1e-3)
    assert film.damage == ""
    assert film.fps == pytest.approx(49 / (times[-1] / 1000), rel=1e-3)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_rate_that_its_clock_cannot_hold_is_not_bent(tmp_path, name):
    film = VideoFile(write(tmp_path / name, 40, **H264, fps=Fraction(30000, 1001)))
    assert film.fps == pytest.approx(30000 / 1001, rel=1e-6)


def patch(path, box, at, values):
    """Overwrite big-endian int32 `at` bytes after the name of an mp4 box."""
    raw = bytearray(path.read_bytes())
    start = raw.find(box) + 4 + at
    raw[start : start + 4 * len(values)] = struct.pack(f">{len(values)}i", *values)
    path.write_bytes(raw)


def cut(path, first, last, fps=25):
    """Leave only frames `first..last` to be shown, by the edit list, as tools do that cut without encoding."""
    raw = path.read_bytes()
    lead = struct.unpack_from(">i", raw, raw.find(b"elst") + 16)[0]
    scale = struct.unpack_from(">i", raw, raw.find(b"mdhd") + 16)[0]
    patch(path, b"elst", 8, [(last - first + 1) * 1000 // fps, lead + first * scale // fps])


@pytest.mark.parametrize(("first", "last"), [(0, 59), (26, 59), (5, 41), (40, 59), (0, 30)])
@pytest.mark.parametrize("decoder", ["auto", "pyav"])
def test_an_edit_list_cuts_frames_off(tmp_path, first, last, decoder):
    path = write(tmp_path / "cut.mp4", **H264)
    cut(path, first, last)
    film = VideoFile(path, decoder)
    assert_exact(film, range(first, last + 1))
    assert film.damage == ""
    assert film.times()[0] == 0
    assert film.fps == 25
    film.check()


TURNS = {
    (0, 1, -1, 0): lambda a: np.rot90(a, -1),
    (-1, 0, 0, -1): lambda a: np.rot90(a, 2),
    (0, -1, 1, 0): lambda a: np.rot90(a, 1),
    (-1, 0, 0, 1): np.fliplr,
    (1, 0, 0, -1): np.flipud,
    (0, 1, 1, 0): lambda a: a.swapaxes(0, 1),
}


@pytest.mark.parametrize("matrix", TURNS)
@pytest.mark.parametrize("decoder", ["auto", "pyav"])
def test_frames_stand_as_they_are_shown(tmp_path, matrix, decoder):
    path = write(tmp_path / "turned.mp4", 6, **H264)
    upright = VideoFile(path, "pyav").read(5)
    a, b, c, d = (v << 16 for v in matrix)
    patch(path, b"tkhd", 40, [a, b, 0, c, d])
    film = VideoFile(path, decoder)
    assert np.array_equal(film.read(5), TURNS[matrix](upright))
    assert film.read(5, grey=True).shape == film.read(5).shape[:2]


def test_a_slanted_film_is_left_as_it_is():
    half = 1 << 15
    matrix = np.array([half, half, 0, -half, half, 0, 0, 0, 1 << 30], dtype=np.int32)
    assert orientation_of(SimpleNamespace(side_data={"DISPLAYMATRIX": matrix.tobytes()})) == Orientation()
    assert orientation_of(SimpleNamespace(side_data={})) == Orientation()


def packets(path):
    with av.open(str(path)) as film:
        return [(p.pos, p.size) for p in film.demux(video=0) if p.size]


@pytest.mark.parametrize("where", ["inside a packet", "between packets"])
@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("a.avi", KINDS["mjpeg.avi"]),
        ("a4.avi", KINDS["mpeg4.avi"]),
        ("a.mp4", {"codec": "libx264", "options": {"g": "20", "bf": "0"}, "mux": {"movflags": "+faststart"}}),
        ("a.mkv", {"codec": "libx264", "options": {"g": "20", "bf": "0"}}),
    ],
)
def test_a_film_cut_short_gives_what_is_there(tmp_path, name, more, where):
    path = write(tmp_path / name, **more)
    start, size = packets(path)[40]
    os.truncate(path, start + (size // 2 if where == "inside a packet" else 0))
    film = VideoFile(path)
    n = len(film)
    assert n in ((39, 40) if name.endswith("mkv") else (40,))
    assert film.damage
    assert_exact(film, range(n))
    with pytest.raises(DataError, match="is damaged"):
        film.read(50)
    with pytest.raises(DataError, match=rf"is damaged.*\n.*{n} frames"):
        film.check()


@pytest.mark.parametrize("kept", [2, 24, 25, 26, 41])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a4.avi"])
def test_b_frames_cut_short_lose_no_number(tmp_path, name, kept):
    """Where a frame shown earlier went missing with the end of the file, later ones would be one number off."""
    if (name, kept) == ("a.mkv", 2):
        pytest.skip("Matroska has no decoding times, and those guessed need some frames")
    more = KINDS["mpeg4_b.avi"] if name == "a4.avi" else H264
    path = write(tmp_path / name, **more, mux={"movflags": "+faststart"} if name == "a.mp4" else None)
    os.truncate(path, packets(path)[kept][0])
    film = VideoFile(path)
    assert film.damage
    assert max(1, kept - 4) <= len(film) <= kept
    assert_exact(film, range(len(film)))


def test_a_lost_frame_inside_keeps_its_number(tmp_path):
    path = write(tmp_path / "a.avi", **KINDS["mjpeg.avi"])
    start, size = packets(path)[30]
    raw = bytearray(path.read_bytes())
    raw[start : start + size] = bytes(size)
    path.write_bytes(raw)
    film = VideoFile(path)
    assert len(film) == 60
    with pytest.raises(DataError, match=r"frame 30 of .* cannot be decoded"):
        film.read(30)
    assert [burnt(film.read(i)) for i in (29, 31, 59)] == [29, 31, 59]
    with pytest.raises(DataError, match="1 of its 60 frames have errors"):
        film.check()


def spoil(path, packet):
    """Change bytes at the end of a packet."""
    start, size = packets(path)[packet]
    raw = bytearray(path.read_bytes())
    for at in range(start + size - min(30, size // 2), start + size - 1, 3):
        raw[at] ^= 255
    path.write_bytes(raw)


def test_a_lost_beginning_keeps_its_numbers(tmp_path):
    path = write(tmp_path / "a.mp4", codec="libx264", options={"g": "20", "bf": "2", "sc_threshold": "0"})
    spoil(path, 0)
    film = VideoFile(path)
    assert len(film) == 60
    assert "20 of its frames are lost (first: 0)" in film.damage
    assert [burnt(film.read(i)) for i in (20, 59, 33)] == [20, 59, 33]
    with pytest.raises(DataError, match=r"frame 3 of .* cannot be decoded"):
        film.read(3)


def test_lost_frames_without_times_are_told(tmp_path):
    path = write(tmp_path / "a.avi", **H264)
    start, size = packets(path)[30]
    raw = bytearray(path.read_bytes())
    raw[start : start + size] = bytes(size)
    path.write_bytes(raw)
    film = VideoFile(path)
    assert len(film) < 60
    assert "later ones are numbered too low" in film.damage


@pytest.mark.parametrize("decoder", ["auto", "pyav"])
def test_a_packet_that_says_nothing_changed_is_no_frame(tmp_path, decoder):
    """As avi files of mpeg4 have them: decoders show nothing for it, and the frames after it are counted on."""
    source, path = write(tmp_path / "source.avi", codec="mpeg4", options={"g": "1"}), tmp_path / "a.avi"
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        if not hasattr(new, "add_stream_from_template"):
            pytest.skip("this PyAV copies streams another way")
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(p for p in old.demux(video=0) if p.size):
            if number == 30:
                still = av.Packet(bytes([0, 0, 1, 0xB6, 0x52, 0xCF]))
                still.pts, still.dts, still.time_base = packet.pts, packet.dts, packet.time_base
                packet = still
            packet.stream = stream
            new.mux(packet)
    film = VideoFile(path, decoder)
    assert film.damage == ""
    assert_exact(film, [*range(30), *range(31, 60)])
    assert film.times()[30] == pytest.approx(31 / 25)


def test_check_finds_what_a_decoder_paints_over(tmp_path):
    path = write(tmp_path / "a.mp4", **H264)
    VideoFile(path).check()
    for packet in range(4, 16):
        spoil(path, packet)
    film = VideoFile(path)
    assert len(film) == 60
    assert film.damage == ""
    with pytest.raises(DataError, match="frames have errors"):
        film.check()


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "there is no film"), (b"", "is empty"), (b"hello\n" * 99, "is not a film"), ("folder", "is a folder")],
)
def test_no_film(tmp_path, content, message):
    path = tmp_path / "a.mp4"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    film = VideoFile(path)
    for use in (len, lambda f: f.read(0), lambda f: f.fps, lambda f: f.times(), lambda f: f.check()):
        with pytest.raises(DataError, match=message) as caught:
            use(film)
        assert caught.value.hint
        assert str(path) in caught.value.what


def test_no_pictures(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("aac", rate=16000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        sound.rate = 16000
        film.mux(stream.encode(sound))
        film.mux(stream.encode())
    with pytest.raises(DataError, match="no pictures"):
        len(VideoFile(path))


def test_an_mp4_without_its_end(tmp_path):
    path = write(tmp_path / "a.mp4", **H264)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(DataError, match="end is missing"):
        len(VideoFile(path))


@pytest.mark.parametrize("decoder", ["auto", "pyav"])
def test_a_long_film_is_never_held(tmp_path, decoder):
    size = (120, 160)
    images = [np.full((*size, 3), i % 256, dtype=np.uint8) for i in range(600)]
    path = write(tmp_path / "long.mp4", 600, **H264, images=images)
    del images
    VideoFile(path, decoder).read(0)
    film = VideoFile(path, decoder)
    tracemalloc.start()
    for index in [*range(600), 3, 599]:
        film.read(index)
        assert len(film._player.reader.window) <= WINDOW
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (WINDOW + 4) * size[0] * size[1] * 3 + 200_000


def test_reading_forward_decodes_each_frame_once(tmp_path, monkeypatch):
    film = VideoFile(write(tmp_path / "a.mp4", 60, **H264), "pyav")
    jumps, starts = [], []
    film.read(0)
    reader = film._player.reader
    monkeypatch.setattr(reader, "_jump", lambda key: jumps.append(key))
    monkeypatch.setattr(reader, "_restart", lambda: starts.append(1))
    for index in range(60):
        film.read(index)
        film.read(index, grey=True)
        film.read(max(0, index - WINDOW + 1))
    assert (jumps, starts) == ([], [])


def test_a_film_pickles_without_its_decoder(tmp_path):
    film = VideoFile(write(tmp_path / "a.mp4", **H264))
    untouched = pickle.loads(pickle.dumps(film))
    film.read(30)
    again = pickle.loads(pickle.dumps(film))
    assert again == untouched == film
    assert "_player" not in again.__dict__
    assert burnt(again.read(31)) == burnt(untouched.read(31)) == burnt(film.read(31)) == 31


def test_few_films_stay_open(tmp_path):
    films = [VideoFile(write(tmp_path / f"{i}.mp4", 12, **H264)) for i in range(OPEN_FILMS + 3)]
    for film in films * 2:
        assert burnt(film.read(5)) == 5
        assert sum(f._player.reader is not None for f in films if "_player" in f.__dict__) <= OPEN_FILMS
    assert [f._player.reader is not None for f in films] == [False] * 3 + [True] * OPEN_FILMS


def _read_all(film, queue):
    queue.put([burnt(film.read(i)) for i in range(10, 50)])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("decoder", ["auto", "pyav"])
def test_a_fork_opens_the_film_anew(tmp_path, decoder):
    film = VideoFile(write(tmp_path / "a.mp4", **H264), decoder)
    film.read(10)
    # The encoders of these tests have threads too, and would be freed in the child.
    gc.collect()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    children = [context.Process(target=_read_all, args=(film, queue)) for _ in range(2)]
    for child in children:
        child.start()
    assert film._player.reader is None
    mine = [burnt(film.read(i)) for i in range(10, 50)]
    assert [queue.get(timeout=60) for _ in children] == [mine, mine] == [[*range(10, 50)]] * 2
    for child in children:
        child.join(timeout=60)
        assert child.exitcode == 0


def test_threads_take_turns(tmp_path):
    film = VideoFile(write(tmp_path / "a.mp4", **H264))
    found = {}

    def work(start):
        found[start] = [burnt(film.read(i)) for i in range(start, 60, 4)]

    threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert found == {start: [*range(start, 60, 4)] for start in range(4)}
