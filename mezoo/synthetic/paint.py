"""Paint a face at rest: a relief of soft forms that is lit, with skin, eyes, brows, lips and hair laid over it."""

import numpy as np

from mezoo.synthetic.canvas import Canvas, Grain, edge, lay
from mezoo.synthetic.face import Array, Eye, Face, smooth_loop

_KEY_LIGHT = np.array([-0.42, -0.55, 0.72])
_FILL_LIGHT = np.array([0.7, -0.1, 0.7])


def paint(face: Face, canvas: Canvas) -> Array:
    """The face at rest before its wall: (height, width, channels) float32 in 0..255."""
    grain = Grain(canvas, face.seed)
    picture = canvas.sheet(face.look.wall)
    picture *= (1.04 - 0.0006 * np.abs(canvas.x + 60) - 0.0005 * (canvas.y + 80) + 0.006 * grain(60))[..., None]
    outline = face.outline()
    if face.look.style == "long":
        _back_hair(picture, face, canvas, grain)
    _body(picture, face, canvas, grain)
    _ears(picture, face, canvas)
    lay(picture, _skin(face, canvas, grain), canvas.fill(outline, 1.0))
    _lips(picture, face, canvas, grain)
    for eye in face.eyes:
        _eye(picture, face, eye, canvas, grain)
    _brows(picture, face, canvas)
    _hair(picture, face, canvas, grain)
    return np.clip(picture, 0.0, 255.0)


# ---------------------------------------------------------------------------------------------------- skin


def _skin(face: Face, canvas: Canvas, grain: Grain) -> Array:
    relief = _relief(face, canvas)
    relief += 0.05 * grain(3.0) + 0.3 * grain(16)
    light = _lit(relief, canvas)
    hollow = np.clip(canvas.blur(relief, 16) - relief, -6, 14) * 0.016 + np.clip(canvas.blur(relief, 5) - relief, -3, 5) * 0.03
    light = light * (1 - hollow) * (1 + 0.012 * grain(22) + 0.014 * grain(2.2))
    albedo = _complexion(face, canvas, grain)
    _folds(albedo, face, canvas)
    skin = albedo * light[..., None]
    shine = _shine(relief, canvas)
    return skin + shine[..., None] * canvas.flat((255, 250, 244)) * 0.16


def _relief(face: Face, canvas: Canvas) -> Array:
    """Height of the skin towards the viewer, face units."""
    p, eyes = face.landmarks, face.eyes
    chin, base, mouth = float(p[8, 1]), float(p[33, 1]), float((p[51, 1] + p[57, 1]) / 2)
    z = _skull(face, canvas)
    z += 7 * canvas.spot(0, -92, 62, 42) + 4.5 * canvas.pair(44, -36, 30, 9) + 3 * canvas.spot(0, -30, 16, 10)
    for eye in eyes:
        z -= 13 * canvas.spot(eye.x - eye.side * 4, eye.y - 3, 34, 17) + 5 * canvas.spot(eye.x - eye.side * 31, eye.y - 6, 9, 12)
        z += 7.5 * canvas.spot(eye.x, eye.y - 1, 21, 13) - 1.6 * canvas.spot(eye.x, eye.y + 21, 21, 4)
    z += 8 * canvas.pair(76, base - 36, 30, 24) - 5 * canvas.pair(92, base + 40, 18, 40) - 5 * canvas.pair(112, -46, 20, 34)
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
    light = np.full_like(nx, 0.33)
    for direction, power in ((_KEY_LIGHT, 0.6), (_FILL_LIGHT, 0.22)):
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
    blush = 0.5 * canvas.pair(74, float(p[33, 1]) - 20, 30, 24) + 0.6 * canvas.spot(0, float(p[30, 1]), 17, 14)
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
    where += 0.9 * canvas.spot(0, (float(p[33, 1]) + float(p[51, 1])) / 2 + 1, 34, 9) * (1 - canvas.spot(0, float(p[33, 1]), 5, 20))
    dense = np.clip(where, 0, 1) * (0.2 + 0.11 * np.clip(speckle, -1, 2)) * face.look.stubble
    lay(sheet, canvas.flat(face.look.hair) * 0.6 + canvas.flat((48, 48, 52)) * 0.6, dense * edge(chin + 40 - canvas.y, 30))


def _folds(albedo: Array, face: Face, canvas: Canvas) -> None:
    """Nasolabial folds, the lines under the eyes and, with age, on the brow."""
    p, age = face.landmarks, face.look.age
    wing, corner = p[35], p[54]
    for side in (-1, 1):
        fold = np.array([[wing[0] + 5, wing[1] - 9], [wing[0] + 14, wing[1] + 6], [corner[0] + 6, corner[1] - 18],
                         [corner[0] + 11, corner[1] + 2]], dtype=np.float32) * [side, 1]
        _crease(albedo, canvas, fold.astype(np.float32), 0.07 + 0.16 * age, 5.0)
    for eye in face.eyes:
        x = np.linspace(eye.x - eye.half * 0.75, eye.x + eye.half * 0.75, 9, dtype=np.float32)
        _crease(albedo, canvas, np.stack([x, eye.lower(x) + 9 + 2 * age], axis=1), 0.06 + 0.1 * age, 2.5)
    if age > 0.45:
        x = np.linspace(-62, 62, 9, dtype=np.float32)
        for row in (-74, -92, -108):
            _crease(albedo, canvas, np.stack([x, row + 0.0012 * x**2], axis=1).astype(np.float32), 0.05 * age, 3.0)


def _crease(albedo: Array, canvas: Canvas, line: Array, depth: float, soft: float) -> None:
    mark = canvas.strokes([_rounded(line)], 3.0, soft)
    albedo *= (1 - depth * 3.0 * np.clip(mark, 0, 1))[..., None]


def _rounded(line: Array) -> Array:
    ends = np.concatenate([line[:1], line, line[-1:]]).astype(np.float32)
    return smooth_loop(ends)[: 12 * (len(ends) - 1)]


# ---------------------------------------------------------------------------------------------------- features


def _lips(picture: Array, face: Face, canvas: Canvas, grain: Grain) -> None:
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
    curve = _rounded(seam.astype(np.float32))
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
        crease = np.array([[wing - 3, base - 20], [wing + 1.8, base - 12], [wing + 0.6, base - 4], [wing - 6, base - 1.5]]) * [side, 1]
        mark = canvas.strokes([_rounded((crease + [middle, 0]).astype(np.float32))], 2.0, 1.8)
        lay(picture, skin * 0.42, np.clip(mark, 0, 1) * 0.42)


def _eye(picture: Array, face: Face, eye: Eye, canvas: Canvas, grain: Grain) -> None:
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
    lay(picture, dark, np.clip(canvas.strokes([lid + np.float32([0, -0.3])], 2.4, 0.7), 0, 1) * 0.92)
    lay(picture, dark, _lashes(eye, canvas) * 0.5)
    rim = np.stack([curve, eye.lower(curve) + 0.6], axis=1)
    lay(picture, skin * 0.5, np.clip(canvas.strokes([rim], 1.3, 0.8), 0, 1) * 0.62)
    lay(picture, np.minimum(skin * 1.02, 255), np.clip(canvas.strokes([rim + np.float32([0, 2.4])], 2.0, 1.4), 0, 1) * 0.3)
    fold = np.stack([curve, eye.upper(curve) - 5.5 - 2.2 * np.cos((curve - eye.x) / eye.half * 1.4)], axis=1)
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


def _brows(picture: Array, face: Face, canvas: Canvas) -> None:
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
    body = np.concatenate([row - np.stack([0 * half, half], 1), (row + np.stack([0 * half, half], 1))[::-1]]).astype(np.float32)
    hairs: list[Array] = []
    for place in np.sort(rng.uniform(0.0, 1.0, int(250 * weight))):
        centre = np.array([np.interp(place, t, row[:, k]) for k in (0, 1)])
        thick = float(np.interp(place, t, half))
        root = centre + [0.0, rng.uniform(-0.9, 0.95) * thick]
        lean = np.interp(place, [0, 0.25, 1], [1.25, 0.55, -0.12]) + rng.normal(0, 0.16) + 0.35 * (root[1] - centre[1]) / (thick + 1)
        length = rng.uniform(6.0, 10.5) * (0.75 + 0.25 * weight)
        tip = root + length * np.array([side * np.cos(lean), -np.sin(lean)])
        bend = (root + tip) / 2 + [0.0, -0.5]
        hairs.append(np.stack([root, bend, tip]).astype(np.float32))
    return body, hairs


# ---------------------------------------------------------------------------------------------------- around the face


def _body(picture: Array, face: Face, canvas: Canvas, grain: Grain) -> None:
    """Neck with the shadow of the jaw, shoulders, and a shirt with a round collar."""
    x, y, skin = canvas.x, canvas.y, canvas.flat(face.look.skin)
    chin = float(face.landmarks[8, 1])
    half = 68 + 0.0018 * np.clip(y - chin + 10, 0, None) ** 2
    roll = np.clip(np.abs(x) / half, 0, 1)
    light = (0.9 - 0.42 * roll**2.2 - 0.0010 * x) * (1 - 0.5 * np.exp(-(((y - chin + 6) / 34) ** 2)) * (1 - 0.35 * roll))
    light = light - 0.05 * canvas.pair(26, chin + 60, 7, 40) + 0.01 * grain(9)
    neck = edge(half - np.abs(x), 2.0) * edge(y - 60, 10)
    lay(picture, skin * np.asarray(light, dtype=np.float32)[..., None], np.asarray(neck, dtype=np.float32))
    slope = chin + 52 + 58 * (1 - np.exp(-np.clip(np.abs(x) - 60, 0, None) / 90)) + 0.0007 * np.clip(np.abs(x) - 60, 0, None) ** 2
    collar = chin + 66 + 36 * np.sqrt(np.clip(1 - (x / 84) ** 2, 0, 1))
    cloth = edge(y - np.where(np.abs(x) < 84, collar, slope), 2.0)
    folds = 1 + 0.05 * grain(20, 2.5) + 0.03 * grain(2.0) - 0.0009 * x - 0.16 * np.exp(-(((y - collar) / 6) ** 2))
    lay(picture, canvas.flat(face.look.shirt) * np.asarray(folds, dtype=np.float32)[..., None], np.asarray(cloth, dtype=np.float32))


def _ears(picture: Array, face: Face, canvas: Canvas) -> None:
    skin, p = canvas.flat(face.look.skin), face.landmarks
    middle, root = float(p[33, 1]) / 2 - 8, float(p[16, 0])
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    for side in (-1, 1):
        reach = (12.5 - 4.5 * np.sin(turn)) * np.cos(turn)
        shape = np.stack([side * (root + 1 + reach), middle + 38 * np.sin(turn) - 0.12 * reach], axis=1)
        mask = canvas.fill(smooth_loop(shape.astype(np.float32)), 1.0)
        shade = 0.72 - 0.12 * side - 0.34 * canvas.spot(side * (root + 4), middle - 2, 3.6, 17)
        shade += 0.2 * canvas.spot(side * (root + 9), middle - 12, 2.2, 20) - 0.16 * canvas.spot(side * (root + 6.5), middle - 14, 1.6, 16)
        shade += 0.12 * canvas.spot(side * (root + 2), middle + 27, 6, 6)
        tint = canvas.flat((1.0, 0.93, 0.91)) if canvas.channels == 3 else np.float32(0.95)
        lay(picture, skin * tint * np.asarray(shade, dtype=np.float32)[..., None], mask)


def _strands(face: Face, canvas: Canvas, grain: Grain) -> Array:
    """Brightness of combed hair: along the skull to both sides of the parting, or forward from the crown."""
    look, wave = face.look, grain(70)
    if look.style in ("short", "fringe", "shaven"):
        dx, dy = canvas.x - 0.4 * look.parting, canvas.y - face.top + 150
        across = np.arctan2(dx + 0.35 * look.parting * np.clip(dy - 150, 0, None) / 100, dy) * 170 + 5 * wave
        along = dy * np.ones_like(dx)
    else:
        dx, dy = canvas.x - 0.55 * look.parting, 70 - np.minimum(canvas.y, 70)
        across = np.sqrt((dx * 1.12) ** 2 + dy**2) - 26 * np.exp(-np.abs(dx) / 30) + 5 * wave
        along = np.sign(dx) * 200 + np.maximum(canvas.y, np.arctan2(dy, np.abs(dx)) * -150)
    tone = 0.12 * grain.at(across, along * 0.12, 1.6, 4.0) + 0.1 * grain.at(across, along * 0.12, 4.0, 3.0)
    tone += 0.09 * grain.at(across, along * 0.3, 14.0, 2.0)
    band = canvas.spot(-30, face.top + 42, 60, 20) + 0.6 * canvas.spot(52, face.top + 52, 40, 18)
    rim = 0.35 * edge(np.abs(canvas.x) - 105, 30) + 0.25 * edge(face.top + 8 - canvas.y, 12)
    return np.asarray(np.clip((0.95 + tone) * (1 + 0.5 * band - rim), 0.2, 2.6), dtype=np.float32)


def _back_hair(picture: Array, face: Face, canvas: Canvas, grain: Grain) -> None:
    reach = 128 + face.look.volume
    half = np.array([[reach * 0.55, face.top + 6], [reach * 0.92, face.top + 62], [reach + 2, -30], [reach + 9, 90], [reach + 12, 220],
                     [reach, 330]])
    contour = smooth_loop(np.concatenate([half, half[::-1] * [-1, 1]]).astype(np.float32))
    lay(picture, canvas.flat(face.look.hair) * (0.5 * _strands(face, canvas, grain))[..., None], canvas.fill(contour, 3.0))


def _hair(picture: Array, face: Face, canvas: Canvas, grain: Grain) -> None:
    look = face.look
    strands, wave, fine = _strands(face, canvas, grain), grain(16), grain(1.8, 7.0)
    volume = 3.0 if look.style == "shaven" else look.volume * (0.55 if look.style == "tied" else 1.0)
    outline = face.outline()
    grow = 1 + (volume + 2) / 200 * np.clip((40 - outline[:, 1:]) / 140, 0, 1)
    turn = np.arctan2(outline[:, :1], outline[:, 1:])
    grow = grow + 0.0022 * volume / 10 * (look.style != "tied") * (np.sin(11 * turn + look.parting) + np.sin(23 * turn + 3 * look.parting))
    crown = ((outline - [0, -20]) * grow + [0, -20]).astype(np.float32)
    cover = canvas.fill(crown, 1.6) * edge(_below_hairline(face, canvas) + 6 * wave + 2.2 * fine, 15 if look.style != "shaven" else 14)
    if look.style == "long":
        cover = np.maximum(cover, _locks(face, canvas, wave))
    alpha = cover * (0.4 if look.style == "shaven" else 1.0)
    lay(picture, picture * 0.55, canvas.blur(cover, 7) * 0.5 * canvas.fill(outline))
    lay(picture, canvas.flat(look.hair) * strands[..., None] + 4, np.asarray(alpha, dtype=np.float32))


def _below_hairline(face: Face, canvas: Canvas) -> Array:
    """How far above the hairline a place is, face units; negative on the forehead and the cheeks."""
    look, x = face.look, canvas.x
    side = np.abs(x) / 128
    line = look.hairline + 10 * side**2 + 74 * np.clip(side - 0.55, 0, None) ** 1.5 / 0.3
    if look.style == "fringe":
        line = np.maximum(line, -70 - 16 * np.cos(x / 22 + look.parting) * 0.5 - 30 * np.clip(side - 0.75, 0, None))
    if look.style == "swept":
        line = line + 34 * np.exp(-(((x - np.sign(look.parting) * -40) / 60) ** 2)) - 14 * np.exp(-(((x - look.parting) / 26) ** 2))
    if look.style == "tied":
        line = line - 6
    burn = 26.0 if look.style in ("short", "swept", "fringe") else -10.0
    temple = edge(np.abs(x) - 114, 12) * edge(burn - canvas.y, 30)
    return np.asarray(np.maximum(line - canvas.y, 80 * temple - 40), dtype=np.float32)


def _locks(face: Face, canvas: Canvas, wave: Array) -> Array:
    x, y = canvas.x, canvas.y
    inner = 110 + 9 * edge(y + 30, 60) - 7 * np.sin((y - 10) / 46) * edge(y, 60) + 1.5 * wave
    outer = 130 + face.look.volume + 10 * edge(y - 50, 120) + 2 * wave
    lock = edge(np.abs(x) - inner, 4) * edge(outer - np.abs(x), 4) * edge(y + 110, 30) * edge(290 + 12 * wave - y, 30)
    return np.asarray(lock, dtype=np.float32)
