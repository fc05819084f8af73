"""What Adaptive GAT is given: motion of twelve regions between key frames, and its mirror image."""

from pathlib import Path

import numpy as np
from mezoo_adaptive_gat import samples as cut
from mezoo_face import mdmo
from mezoo_face.regions import AUWGCN12, NoseBox, place
from mezoo_face.roi_flow import RoiFlow
from mezoo_flow.extractors import TVL1

from mezoo import Expression, Video
from mezoo.clips import cut as cut_clip
from mezoo.envelope import ClipsBlock

PAIRS = ((0, 5), (1, 4), (2, 3), (8, 10))


def test_mirror_image_is_what_roi_flow_sees_in_mirrored_flow() -> None:
    golden = np.load(Path(__file__).parents[1] / "data" / "auwgcn_features.npz")
    flow = np.stack([golden["flow_x"], golden["flow_y"]], -1).astype(np.float32) - 127.5
    points = golden["landmarks"].astype(np.float64)
    other = points * [-1, 1] + [flow.shape[2] - 1, 0]
    for a, b in ((18, 25), (19, 24), (20, 23), (48, 54), (39, 42)):
        other[:, [a, b]] = other[:, [b, a]]

    def features(vectors: np.ndarray, where: np.ndarray) -> np.ndarray:
        head = mdmo.main_direction(place([NoseBox()], where, vectors.shape[1:3]).cut(vectors), mdmo.HEAD)[:, 0]
        return mdmo.main_direction(place(AUWGCN12, where, vectors.shape[1:3]).cut(vectors).minus(head))

    plain = features(flow, points)
    turned = features(np.ascontiguousarray(flow[:, :, ::-1] * np.array([-1, 1], np.float32)), other)
    np.testing.assert_allclose(turned, cut.mirrored(plain, PAIRS), atol=0.05)  # bytes tie, in length and at bins' edges
    assert np.abs(turned - plain).max() > 1


def test_four_key_frames_give_three_flows_of_twelve_nodes(tmp_path: Path) -> None:
    film = Film()
    np.save(tmp_path / "c.npy", film.landmarks())
    whole = Video("toy", "s1", "c", 100.0, film, (Expression("c", "micro", 2, 22, 14),), tmp_path / "c.npy")
    clip = cut_clip(whole, whole.expressions[0], ClipsBlock(classes="native", take="key_frames"))
    found = RoiFlow(TVL1(backend="opencv"))(clip.unlabelled())
    assert found.values.shape == (3, 12, 2)
    assert found.positions.tolist() == [1, 2, 3]
    assert found.facts["landmarks"] == "file"
    rise, back = found.values[:2, :, 1].sum(0), found.values[2, :, 1]
    assert rise[[8, 10]].mean() < -1.5
    assert back[[8, 10]].mean() > 1.5
    assert np.abs(rise[:6]).max() < 0.5


class Film:
    """A face of speckles, 30 frames; below row 120 everything rises by 3 px until frame 14 and falls back by 22."""

    def __init__(self) -> None:
        import cv2

        noise = np.random.default_rng(0).random((200, 200)).astype(np.float32)
        self.face = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 20, 235, cv2.NORM_MINMAX)

    def __len__(self) -> int:
        return 30

    def read(self, index: int, *, grey: bool = False) -> np.ndarray:
        import cv2

        lift = 3 * max(0.0, min((index - 2) / 12, (22 - index) / 8))
        rows, columns = np.indices(self.face.shape, dtype=np.float32)
        rows = rows + np.float32(lift) * np.clip((rows - 110) / 20, 0, 1)
        return cv2.remap(self.face, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT).astype(np.uint8)

    def number(self, index: int) -> int:
        return index

    def files(self) -> tuple:
        return ()

    @staticmethod
    def landmarks() -> np.ndarray:
        """(30, 68, 2): a plain grid of points, with those that matter where a face has them."""
        points = np.stack(np.meshgrid(np.linspace(30, 170, 17), np.linspace(40, 180, 4)), -1).reshape(68, 2)
        places = {
            **{k: (40 + 12 * (k - 17), 60) for k in range(17, 22)},
            **{k: (112 + 12 * (k - 22), 60) for k in range(22, 27)},
            **{k: (100, 70 + 9 * (k - 27)) for k in range(27, 31)},
            **dict(zip((36, 39, 42, 45), ((50, 80), (82, 80), (118, 80), (150, 80)), strict=True)),
            **dict(zip((48, 51, 54, 57), ((70, 150), (100, 142), (130, 150), (100, 160)), strict=True)),
        }
        for k, point in places.items():
            points[k] = point
        return np.repeat(points[None], 30, 0)
