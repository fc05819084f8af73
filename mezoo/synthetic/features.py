"""Paint what is sharp in a face: lips, nostrils, eyes and brows."""

import numpy as np

from mezoo.synthetic.canvas import Canvas, Grain, edge, lay
from mezoo.synthetic.face import Array, Eye, Face, smooth_line, smooth_loop


def paint_lips(picture: Array, face: Face, canvas: Canvas, grain: Grain) -> None:
    """Both lips, the line between them and the nostrils, over lit skin; in place."""
    p, look = face.landmarks, face.look
    skin = canvas.flat(look.skin)
    tint = canvas.flat((0.93 - 0.05 * look.lip_red, 0.72 - 0.16 * look.lip_red, 0.74 - 0.12 * look.lip_red))
    colour = skin * tint if canvas.channels == 3 else skin * (0.78 - 0.12 * look.lip_red)
    upper = smooth_loop(np.concatenate([p[48:55], p[64:59:-1]]))
    lower = smooth_loop(np.concatenate([p[54:60], p[60:61], p[67:63:-1]]))
    line = np.interp(canvas.x[0], p[60:65, 0], p[60:65, 1]).astype(np.float32)[None]
    below = np.clip((canvas.y - line) / 16, -1, 1)
    ridges = 1 + 0.035 * grain(2.6, 3.0)
    gloss = canvas.spot(float(p[57, 0]) - 7, float(p[57, 1]) - 8.5, 15, 3.0)
    for contour, shade in ((upper, 0.8 - 0.1 * below), (lower, 1.02 - 0.16 * below + 0.16 * gloss)):
        mask = canvas.fill(contour.astype(np.float32), 1.6) * 0.86
        brightness = canvas.blur(picture.mean(axis=2), 9) / max(float(skin.mean()), 1.0)
        lay(picture, colour * (shade * ridges * np.clip(0.35 + 0.75 * brightness, 0.5, 1.15))[..., None], mask)
    seam = np.concatenate([p[48:49], (p[60:65] + np.concatenate([p[60:61], p[67:64:-1], p[64:65]])) / 2, p[54:55]])
    curve = smooth_line(seam.astype(np.float32))
    fade = 0.45 + 0.55 * canvas.spot(float(p[62, 0]), float(p[62, 1]), 24, 30)
    lay(picture, colour * 0.24, np.clip(canvas.strokes([curve], 2.0, 0.8), 0, 1) * 0.9 * fade)
    lay(picture, colour * 0.38, np.clip(canvas.strokes([curve], 2.5, 2.4), 0, 1) * 0.55 * fade)
    for x, y in (p[48], p[54]):
        lay(picture, skin * 0.45, 0.38 * canvas.spot(float(x), float(y), 4.5, 3.0))
    _nostrils(picture, face, canvas)


def _nostrils(picture: Array, face: Face, canvas: Canvas) -> None:
    p = face.landmarks
    base, wing, middle = float(p[33, 1]), float(p[35, 0] - p[31, 0]) / 2, float(p[33, 0])
    skin = canvas.flat(face.look.skin)
    lay(picture, skin * 0.5, 0.42 * canvas.spot(middle, base + 2.0, 0.6 * wing, 3.4))
    for side in (-1, 1):
        x = middle + side * wing * 0.48
        rim = (canvas.y - base + 3.4 + 0.3 * side * (canvas.x - x)) / 2.1
        hole = np.exp(-0.5 * (((canvas.x - x) / (0.19 * wing)) ** 2 + rim**2) ** 1.2)
        lay(picture, skin * 0.15, hole * 0.8)
        crease = np.array(
            [[wing - 3, base - 20], [wing + 1.8, base - 12], [wing + 0.6, base - 4], [wing - 6, base - 1.5]]
        ) * [side, 1]
        mark = canvas.strokes([smooth_line((crease + np.array([middle, 0])).astype(np.float32))], 2.0, 1.8)
        lay(picture, skin * 0.42, np.clip(mark, 0, 1) * 0.42)


def paint_eye(picture: Array, face: Face, eye: Eye, canvas: Canvas, grain: Grain) -> None:
    """One eye: ball, lids, lashes, and the fold above; in place."""
    x, y, skin = canvas.x, canvas.y, canvas.flat(face.look.skin)
    upper, lower = eye.upper(x), eye.lower(x)
    inside = (np.abs(x - eye.x) < eye.half).astype(np.float32)
    opening = edge(y - upper, 0.9) * edge(lower - y, 0.9) * inside
    ball = _eyeball(face, eye, canvas, grain)
    lay(picture, ball, np.asarray(opening, dtype=np.float32))
    inner = eye.x - eye.side * (eye.half - 3.2)
    lay(picture, canvas.flat((196, 120, 112)) * 0.8, opening * 0.75 * canvas.spot(inner, eye.y + 0.8, 3.2, 3.6))
    curve = np.linspace(eye.x - eye.half, eye.x + eye.half, 25, dtype=np.float32)
    lid = np.stack([curve, eye.upper(curve)], axis=1)
    dark = canvas.flat(face.look.hair) * 0.35
    lay(picture, dark, np.clip(canvas.strokes([lid + np.array([0, -0.3], dtype=np.float32)], 2.4, 0.7), 0, 1) * 0.92)
    lay(picture, dark, _lashes(eye, canvas) * 0.5)
    rim = np.stack([curve, eye.lower(curve) + 0.6], axis=1)
    lay(picture, skin * 0.5, np.clip(canvas.strokes([rim], 1.3, 0.8), 0, 1) * 0.62)
    lay(
        picture,
        np.minimum(skin * 1.02, 255),
        np.clip(canvas.strokes([rim + np.array([0, 2.4], dtype=np.float32)], 2.0, 1.4), 0, 1) * 0.3,
    )
    fold = np.stack(
        [curve, eye.upper(curve) - 5.5 - 2.2 * np.cos((curve - eye.x) / eye.half * 1.4)], axis=1, dtype=np.float32
    )
    lay(picture, skin * 0.42, np.clip(canvas.strokes([fold[1:-1]], 1.8, 1.2), 0, 1) * (0.5 + 0.2 * face.look.age))


def _eyeball(face: Face, eye: Eye, canvas: Canvas, grain: Grain) -> Array:
    x, y = canvas.x, canvas.y
    cx, cy, radius = eye.x, eye.y - 1.8, 12.0
    far = np.sqrt((x - cx) ** 2 + (y - cy) ** 2)
    white = 0.86 - 0.34 * np.clip(np.abs(x - eye.x) / eye.half, 0, 1) ** 2.2
    ball = canvas.flat((220, 213, 207)) * np.asarray(white, dtype=np.float32)[..., None]
    ball = np.broadcast_to(ball, (canvas.height, canvas.width, canvas.channels)).astype(np.float32)
    spokes = grain.at(np.arctan2(y - cy, x - cx) * 40, far * 0.6, 3.0)
    glow = 0.8 + 0.5 * edge(y - cy, 9) + 0.14 * spokes - 0.55 * edge(far - radius + 1.6, 1.8)
    iris = canvas.flat(face.look.iris) * np.asarray(glow, dtype=np.float32)[..., None]
    lay(ball, iris, edge(radius - far, 1.1))
    lay(ball, canvas.flat((10, 8, 8)), edge(4.9 - far, 1.0))
    ball *= (1 - 0.5 * np.exp(-np.clip(y - eye.upper(x), 0, None) / 3.6))[..., None]
    lay(ball, canvas.flat((250, 250, 250)), 0.95 * canvas.spot(cx - 3.9, cy - 4.0, 1.7, 1.7))
    lay(ball, canvas.flat((220, 224, 228)), 0.25 * canvas.spot(cx + 4.2, cy + 4.6, 2.6, 1.8))
    return ball


def _lashes(eye: Eye, canvas: Canvas) -> Array:
    lines: list[Array] = []
    for t in np.linspace(-0.85, 0.98, 19):
        x = np.float32(eye.x + eye.side * t * eye.half)
        y = float(eye.upper(np.asarray([x]))[0])
        reach = 2.4 + 2.2 * max(t, 0.0)
        lines.append(np.array([[x, y], [x + eye.side * reach * (0.25 + 0.6 * t), y - reach * 0.55]], dtype=np.float32))
    return np.clip(canvas.strokes(lines, 0.8, 0.5), 0, 1)


def paint_brows(picture: Array, face: Face, canvas: Canvas) -> None:
    """Both brows, hair by hair; in place."""
    look, rng = face.look, np.random.default_rng([face.seed, 0xB20])
    dark = canvas.flat(look.hair) * 0.8
    for first, side in ((17, -1), (22, 1)):
        row = face.landmarks[first : first + 5]
        row = row[::-1] if side < 0 else row
        body, hairs = _brow_hairs(row, side, look.brow_weight, rng)
        lay(picture, dark, np.clip(canvas.fill(smooth_loop(body), 3.2), 0, 1) * 0.42 * look.brow_dark)
        for part in range(3):
            lay(picture, dark, np.clip(canvas.strokes(hairs[part::3], 0.7, 0.45), 0, 1) * 0.6 * look.brow_dark)


def _brow_hairs(row: Array, side: int, weight: float, rng: np.random.Generator) -> tuple[Array, list[Array]]:
    """Outline of one brow and its hairs, from the inner end (row[0]) to the outer one."""
    t = np.linspace(0.0, 1.0, 5)
    half = weight * np.array([5.2, 6.4, 6.0, 4.2, 1.2])
    body = np.concatenate([row - np.stack([0 * half, half], 1), (row + np.stack([0 * half, half], 1))[::-1]]).astype(
        np.float32
    )
    hairs: list[Array] = []
    for place in np.sort(rng.uniform(0.0, 1.0, int(250 * weight))):
        centre = np.array([np.interp(place, t, row[:, k]) for k in (0, 1)])
        thick = float(np.interp(place, t, half))
        root = centre + np.array([0.0, rng.uniform(-0.9, 0.95) * thick])
        lean = (
            np.interp(place, [0, 0.25, 1], [1.25, 0.55, -0.12])
            + rng.normal(0, 0.16)
            + 0.35 * (root[1] - centre[1]) / (thick + 1)
        )
        length = rng.uniform(6.0, 10.5) * (0.75 + 0.25 * weight)
        tip = root + length * np.array([side * np.cos(lean), -np.sin(lean)])
        bend = (root + tip) / 2 + [0.0, -0.5]
        hairs.append(np.stack([root, bend, tip]).astype(np.float32))
    return body, hairs
