"""Paint what frames a face: neck and shirt, ears, hair."""

import numpy as np

from mezoo.synthetic.canvas import Canvas, Grain, edge, lay
from mezoo.synthetic.face import Array, Face, smooth_loop


def paint_body(picture: Array, face: Face, canvas: Canvas, grain: Grain) -> None:
    """Neck with the shadow of the jaw, shoulders, and a shirt with a round collar."""
    x, y, skin = canvas.x, canvas.y, canvas.flat(face.look.skin)
    chin = float(face.landmarks[8, 1])
    half = 68 + 0.0018 * np.clip(y - chin + 10, 0, None) ** 2
    roll = np.clip(np.abs(x) / half, 0, 1)
    light = (0.9 - 0.42 * roll**2.2 - 0.0010 * x) * (
        1 - 0.5 * np.exp(-(((y - chin + 6) / 34) ** 2)) * (1 - 0.35 * roll)
    )
    light = light - 0.05 * canvas.pair(26, chin + 60, 7, 40) + 0.01 * grain(9)
    neck = edge(half - np.abs(x), 2.0) * edge(y - 60, 10)
    lay(picture, skin * np.asarray(light, dtype=np.float32)[..., None], np.asarray(neck, dtype=np.float32))
    slope = (
        chin
        + 52
        + 58 * (1 - np.exp(-np.clip(np.abs(x) - 60, 0, None) / 90))
        + 0.0007 * np.clip(np.abs(x) - 60, 0, None) ** 2
    )
    collar = chin + 66 + 36 * np.sqrt(np.clip(1 - (x / 84) ** 2, 0, 1))
    cloth = edge(y - np.where(np.abs(x) < 84, collar, slope), 2.0)
    folds = 1 + 0.05 * grain(20, 2.5) + 0.03 * grain(2.0) - 0.0009 * x - 0.16 * np.exp(-(((y - collar) / 6) ** 2))
    lay(
        picture,
        canvas.flat(face.look.shirt) * np.asarray(folds, dtype=np.float32)[..., None],
        np.asarray(cloth, dtype=np.float32),
    )


def paint_ears(picture: Array, face: Face, canvas: Canvas) -> None:
    """Both ears, before the skull covers their roots; in place."""
    skin, p = canvas.flat(face.look.skin), face.landmarks
    middle, root = float(p[33, 1]) / 2 - 8, float(p[16, 0])
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    for side in (-1, 1):
        reach = (12.5 - 4.5 * np.sin(turn)) * np.cos(turn)
        shape = np.stack([side * (root + 1 + reach), middle + 38 * np.sin(turn) - 0.12 * reach], axis=1)
        mask = canvas.fill(smooth_loop(shape.astype(np.float32)), 1.0)
        shade = 0.72 - 0.12 * side - 0.34 * canvas.spot(side * (root + 4), middle - 2, 3.6, 17)
        shade += 0.2 * canvas.spot(side * (root + 9), middle - 12, 2.2, 20) - 0.16 * canvas.spot(
            side * (root + 6.5), middle - 14, 1.6, 16
        )
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


def paint_back_hair(picture: Array, face: Face, canvas: Canvas, grain: Grain) -> None:
    """Long hair that hangs behind the head; in place."""
    reach = 128 + face.look.volume
    half = np.array(
        [
            [reach * 0.55, face.top + 6],
            [reach * 0.92, face.top + 62],
            [reach + 2, -30],
            [reach + 9, 90],
            [reach + 12, 220],
            [reach, 330],
        ]
    )
    contour = smooth_loop(np.concatenate([half, half[::-1] * [-1, 1]]).astype(np.float32))
    lay(
        picture,
        canvas.flat(face.look.hair) * (0.5 * _strands(face, canvas, grain))[..., None],
        canvas.fill(contour, 3.0),
    )


def paint_hair(picture: Array, face: Face, canvas: Canvas, grain: Grain) -> None:
    """Hair over the skull, its shadow on the skin, and locks of long hair; in place."""
    look = face.look
    strands, wave, fine = _strands(face, canvas, grain), grain(16), grain(1.8, 7.0)
    volume = 3.0 if look.style == "shaven" else look.volume * (0.55 if look.style == "tied" else 1.0)
    outline = face.outline()
    grow = 1 + (volume + 2) / 200 * np.clip((40 - outline[:, 1:]) / 140, 0, 1)
    turn = np.arctan2(outline[:, :1], outline[:, 1:])
    grow = grow + 0.0022 * volume / 10 * (look.style != "tied") * (
        np.sin(11 * turn + look.parting) + np.sin(23 * turn + 3 * look.parting)
    )
    crown = ((outline - [0, -20]) * grow + [0, -20]).astype(np.float32)
    cover = canvas.fill(crown, 1.6) * edge(
        _below_hairline(face, canvas) + 6 * wave + 2.2 * fine, 15 if look.style != "shaven" else 14
    )
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
        line = (
            line
            + 34 * np.exp(-(((x - np.sign(look.parting) * -40) / 60) ** 2))
            - 14 * np.exp(-(((x - look.parting) / 26) ** 2))
        )
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
