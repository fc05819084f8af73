"""Paint a face at rest: a relief of soft forms that is lit, with skin, eyes, brows, lips and hair laid over it."""

import numpy as np

from mezoo.synthetic.canvas import Canvas, Grain, edge, lay
from mezoo.synthetic.face import Array, Face, smooth_line
from mezoo.synthetic.features import paint_brows, paint_eye, paint_lips
from mezoo.synthetic.hair import paint_back_hair, paint_body, paint_ears, paint_hair

_KEY_LIGHT = np.array([-0.42, -0.55, 0.72])
_FILL_LIGHT = np.array([0.7, -0.1, 0.7])


def paint(face: Face, canvas: Canvas) -> Array:
    """The face at rest before its wall: (height, width, channels) float32 in 0..255."""
    grain = Grain(canvas, face.seed)
    picture = canvas.sheet(face.look.wall)
    picture *= (1.04 - 0.0006 * np.abs(canvas.x + 60) - 0.0005 * (canvas.y + 80) + 0.006 * grain(60))[..., None]
    outline = face.outline()
    if face.look.style == "long":
        paint_back_hair(picture, face, canvas, grain)
    paint_body(picture, face, canvas, grain)
    paint_ears(picture, face, canvas)
    lay(picture, _skin(face, canvas, grain), canvas.fill(outline, 1.0))
    paint_lips(picture, face, canvas, grain)
    for eye in face.eyes:
        part, place = canvas.window(eye.x, eye.y, 60)
        paint_eye(picture[place], face, eye, part, grain)
    paint_brows(picture, face, canvas)
    paint_hair(picture, face, canvas, grain)
    return np.clip(picture, 0.0, 255.0)


def _skin(face: Face, canvas: Canvas, grain: Grain) -> Array:
    relief = _relief(face, canvas)
    relief += 0.05 * grain(3.0) + 0.3 * grain(16)
    light = _lit(relief, canvas)
    hollow = (
        np.clip(canvas.blur(relief, 16) - relief, -6, 14) * 0.016
        + np.clip(canvas.blur(relief, 5) - relief, -3, 5) * 0.03
    )
    light = light * (1 - hollow) * (1 + 0.012 * grain(22) + 0.014 * grain(2.2))
    albedo = _complexion(face, canvas, grain)
    _folds(albedo, face, canvas)
    skin = albedo * light[..., None]
    shine = _shine(relief, canvas)
    return (skin + shine[..., None] * canvas.flat((255, 250, 244)) * 0.16).astype(np.float32)


def _relief(face: Face, canvas: Canvas) -> Array:
    """Height of the skin towards the viewer, face units."""
    p, eyes = face.landmarks, face.eyes
    chin, base, mouth = float(p[8, 1]), float(p[33, 1]), float((p[51, 1] + p[57, 1]) / 2)
    z = _skull(face, canvas)
    z += 7 * canvas.spot(0, -92, 62, 42) + 4.5 * canvas.pair(44, -36, 30, 9) + 3 * canvas.spot(0, -30, 16, 10)
    for eye in eyes:
        z -= 13 * canvas.spot(eye.x - eye.side * 4, eye.y - 3, 34, 17) + 5 * canvas.spot(
            eye.x - eye.side * 31, eye.y - 6, 9, 12
        )
        z += 7.5 * canvas.spot(eye.x, eye.y - 1, 21, 13) - 1.6 * canvas.spot(eye.x, eye.y + 21, 21, 4)
    z += (
        8 * canvas.pair(76, base - 36, 30, 24)
        - 5 * canvas.pair(92, base + 40, 18, 40)
        - 5 * canvas.pair(112, -46, 20, 34)
    )
    z += _nose_relief(face, canvas)
    z += 8 * canvas.spot(0, mouth, 46, 34)
    z -= 3.2 * canvas.spot(0, float(p[57, 1]) + 13, 27, 7) - 7 * canvas.spot(0, chin - 27, 27, 17)
    z += 3.4 * canvas.spot(0, float(p[51, 1]) + 7, 27, 5.5) + 4.5 * canvas.spot(0, float(p[57, 1]) - 7, 27, 6.5)
    z -= 2.4 * canvas.spot(0, mouth - 1, 27, 2.8) + 1.5 * canvas.spot(0, (base + float(p[51, 1])) / 2 + 2, 4.2, 13)
    z -= 2.4 * canvas.pair(float(p[54, 0]) + 4, mouth + 2, 7, 8)
    return np.asarray(z, dtype=np.float32)


def _skull(face: Face, canvas: Canvas) -> Array:
    outline = face.outline()
    right = outline[outline[:, 0] > 0]
    order = np.argsort(right[:, 1])
    chin = float(face.landmarks[8, 1])
    reach = right[order, 1] + 14 * np.clip(right[order, 1] / chin, 0, 1) ** 4
    half = np.interp(canvas.y[:, 0], reach, right[order, 0]).astype(np.float32)[:, None] + 5
    along = np.where(canvas.y < 10, (10 - canvas.y) / (10 - face.top + 6), (canvas.y - 10) / (chin + 18))
    depth = 118 * np.sqrt(np.clip(1 - np.abs(along) ** 2.4, 0.0, 1.0))
    across = np.clip(np.abs(canvas.x) / half, 0.0, 0.99)
    return np.asarray(depth * (1 - across**2.5) ** 0.62, dtype=np.float32)


def _nose_relief(face: Face, canvas: Canvas) -> Array:
    p = face.landmarks
    top, tip, base, wing = float(p[27, 1]) - 4, float(p[30, 1]), float(p[33, 1]), float(p[35, 0] - p[31, 0]) / 2
    middle = float(p[33, 0])
    t = np.clip((canvas.y - top) / (tip - top), 0.0, 1.25)
    x = canvas.x - middle * np.minimum(t, 1)
    under = base - 3 - 7 * (x / wing) ** 2
    height = (5 + 20 * t**1.4) * edge(canvas.y - top - 4, 18) * (1 - edge(canvas.y - under, 8))
    z = height * np.exp(-0.5 * np.abs(x / (8 + 7 * t)) ** 2.2)
    z += 8 * canvas.spot(middle, tip - 1, 12, 10.5)
    for side in (-1, 1):
        z += 10.5 * canvas.spot(middle + side * (wing - 6.5), base - 10, 7.5, 7.5)
        z -= 3.0 * canvas.spot(middle + side * (wing + 4), base - 9, 3.4, 8)
    return np.asarray(z, dtype=np.float32)


def _normal(relief: Array, canvas: Canvas) -> tuple[Array, Array, Array]:
    dy, dx = np.gradient(relief, canvas.step)
    norm = 1 / np.sqrt(1 + dx**2 + dy**2)
    return -dx * norm, -dy * norm, norm


def _lit(relief: Array, canvas: Canvas) -> Array:
    """Brightness under a soft key light from above and a weaker fill from the other side."""
    nx, ny, nz = _normal(relief, canvas)
    light = np.full_like(nx, 0.3)
    for direction, power in ((_KEY_LIGHT, 0.56), (_FILL_LIGHT, 0.21)):
        x, y, z = direction / np.linalg.norm(direction)
        light += power * np.clip((x * nx + y * ny + z * nz + 0.25) / 1.25, 0, None)
    return np.asarray(light, dtype=np.float32)


def _shine(relief: Array, canvas: Canvas) -> Array:
    nx, ny, nz = _normal(canvas.blur(relief, 2.0), canvas)
    half = _KEY_LIGHT / np.linalg.norm(_KEY_LIGHT) + np.array([0.0, 0.0, 1.0])
    half /= np.linalg.norm(half)
    return np.clip(half[0] * nx + half[1] * ny + half[2] * nz, 0, None) ** 26


def _complexion(face: Face, canvas: Canvas, grain: Grain) -> Array:
    p, look = face.landmarks, face.look
    skin = canvas.flat(look.skin)
    sheet = np.broadcast_to(skin, (canvas.height, canvas.width, canvas.channels)).astype(np.float32)
    red = skin * canvas.flat((1.04, 0.84, 0.82)) if canvas.channels == 3 else skin * 0.9
    blush = 0.5 * canvas.pair(74, float(p[33, 1]) - 20, 30, 24) + 0.42 * canvas.spot(0, float(p[30, 1]), 17, 14)
    lay(sheet, red, np.clip(blush * (1 + 0.25 * grain(12)), 0, 1))
    shade = skin * canvas.flat((0.8, 0.74, 0.76)) if canvas.channels == 3 else skin * 0.76
    for eye in face.eyes:
        lay(sheet, shade, 0.5 * canvas.spot(eye.x - eye.side * 4, eye.y, 34, 20))
    _beard(sheet, face, canvas, grain)
    for x, y, radius in look.moles:
        lay(sheet, skin * 0.45, canvas.spot(x, y, radius, radius))
    if look.freckles:
        where = canvas.pair(50, float(p[30, 1]) - 12, 34, 20) + canvas.spot(0, float(p[30, 1]) - 16, 26, 18)
        lay(sheet, skin * 0.66, np.clip(where, 0, 1) * edge(grain(3.4) - 1.15, 0.35) * 0.6 * look.freckles)
    return sheet


def _beard(sheet: Array, face: Face, canvas: Canvas, grain: Grain) -> None:
    speckle = grain(1.6)
    if not face.look.stubble:
        return
    p = face.landmarks
    mouth, chin = float(p[62, 1]), float(p[8, 1])
    where = edge(canvas.y - mouth + 12 - 0.0075 * canvas.x**2, 26) * (1 - 0.9 * canvas.spot(0, mouth, 44, 14))
    where += (
        0.9
        * canvas.spot(0, (float(p[33, 1]) + float(p[51, 1])) / 2 + 1, 34, 9)
        * (1 - canvas.spot(0, float(p[33, 1]), 5, 20))
    )
    dense = np.clip(where, 0, 1) * (0.2 + 0.11 * np.clip(speckle, -1, 2)) * face.look.stubble
    lay(
        sheet,
        canvas.flat(face.look.hair) * 0.6 + canvas.flat((48, 48, 52)) * 0.6,
        dense * edge(chin + 40 - canvas.y, 30),
    )


def _folds(albedo: Array, face: Face, canvas: Canvas) -> None:
    """Nasolabial folds, the lines under the eyes and, with age, on the brow."""
    p, age = face.landmarks, face.look.age
    wing, corner = p[35], p[54]
    for side in (-1, 1):
        fold = np.array(
            [
                [wing[0] + 5, wing[1] - 9],
                [wing[0] + 14, wing[1] + 6],
                [corner[0] + 6, corner[1] - 18],
                [corner[0] + 11, corner[1] + 2],
            ],
            dtype=np.float32,
        ) * [side, 1]
        _crease(albedo, canvas, fold.astype(np.float32), 0.07 + 0.16 * age, 5.0)
    for eye in face.eyes:
        x = np.linspace(eye.x - eye.half * 0.75, eye.x + eye.half * 0.75, 9, dtype=np.float32)
        _crease(albedo, canvas, np.stack([x, eye.lower(x) + 9 + 2 * age], axis=1), 0.06 + 0.1 * age, 2.5)
    if age > 0.45:
        x = np.linspace(-62, 62, 9, dtype=np.float32)
        for row in (-74, -92, -108):
            _crease(albedo, canvas, np.stack([x, row + 0.0012 * x**2], axis=1).astype(np.float32), 0.05 * age, 3.0)


def _crease(albedo: Array, canvas: Canvas, line: Array, depth: float, soft: float) -> None:
    mark = canvas.strokes([smooth_line(line)], 3.0, soft)
    albedo *= (1 - depth * 3.0 * np.clip(mark, 0, 1))[..., None]
