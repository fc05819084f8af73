"""Harm done to files on purpose: the same harm for the same seed. Pure functions from bytes to (what, bytes)."""

import csv
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from random import Random
from typing import Any

import numpy as np

Harm = tuple[str, bytes]
"""What was done, in words, and the file after it."""
EVIL = ("<img src=x onerror=1>", '"><script>alert(1)</script>', "</style>", "javascript:alert(1)", "../../etc/passwd")
"""Names that break out of a page or of a folder, where they are believed."""
WRONG = ("", "nan", "inf", "-inf", "-7", "1e308", "1e999", "9" * 400, "9" * 5000, "0x1F", "1_000", "１２", "²", "12,5")
"""Cells that are not the small whole number that was there."""
WRONG += ("=1+1", "/", "\\", "true", "2026-01-01", "\x00", "\x1b[31m", "\u202e12", "12 34", "'", *EVIL)
_ODD: tuple[Any, ...] = (None, True, [], {}, "", "x", -1, 0.5, 10**30, [[]], {"a": 1}, "../..", EVIL[0])
"""Values that another type was expected for."""


def bytes_of(raw: bytes, rng: Random) -> Iterator[Harm]:
    """What happens to any file: cut, flipped, zeroed, doubled, taken for another kind."""
    yield "empty", b""
    yield "one byte", raw[:1]
    yield "only zeros", bytes(len(raw))
    yield "a page of HTML", b"<!DOCTYPE html><html><body>404 Not found</body></html>"
    yield "a text", b"hello\n"
    yield "twice", raw + raw
    yield "a pickle", b"\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."
    yield "a gzip file", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + raw[:64]
    yield "NUL bytes behind the end", raw + bytes(4096)
    yield "first block zero", bytes(min(512, len(raw))) + raw[512:]
    while True:
        at = rng.randrange(max(1, len(raw)))
        what = rng.choice(("cut", "flip", "byte", "hole", "zeros", "insert"))
        if what == "cut":
            yield f"cut at {at}", raw[:at]
        elif what == "flip":
            bit = 1 << rng.randrange(8)
            yield f"bit {bit} of byte {at}", raw[:at] + bytes([raw[at] ^ bit if raw else 0]) + raw[at + 1 :]
        elif what == "byte":
            few = [rng.randrange(max(1, len(raw))) for _ in range(8)]
            harmed = bytearray(raw)
            for place in few if raw else ():
                harmed[place] = rng.randrange(256)
            yield f"bytes at {few[:3]} ...", bytes(harmed)
        elif what == "hole":
            yield f"64 bytes gone at {at}", raw[:at] + raw[at + 64 :]
        elif what == "zeros":
            yield f"64 zeros at {at}", raw[:at] + bytes(len(raw[at : at + 64])) + raw[at + 64 :]
        else:
            yield f"64 bytes more at {at}", raw[:at] + rng.randbytes(64) + raw[at:]


def text_of(raw: bytes) -> Iterator[Harm]:
    """The same text in the encodings and line ends that programs write, and in none."""
    text = raw.decode("utf-8", "replace")
    yield "CRLF", text.replace("\n", "\r\n").encode()
    yield "CR only", text.replace("\r", "").replace("\n", "\r").encode()
    yield "BOM", b"\xef\xbb\xbf" + raw
    yield "UTF-16", text.encode("utf-16")
    yield "UTF-32", text.encode("utf-32")
    yield "Latin-1 letters", raw.replace(b"e", b"\xe9")
    yield "NUL between letters", raw.replace(b"\n", b"\x00\n")
    yield "a line of a megabyte", raw + b"x" * (1 << 20)
    yield "a quote that is not closed", raw + b'\n"'
    yield "control characters", raw.replace(b",", b"\x1b[2J,").replace(b":", b"\x07:")
    yield "blank lines", raw.replace(b"\n", b"\n\n\n")
    yield "no end of line", raw.rstrip()
    yield "spaces for tabs and tabs for spaces", raw.replace(b" ", b"\t")


def table_of(raw: bytes, rng: Random) -> Iterator[Harm]:
    """Rows and columns of a CSV table: doubled, dropped, swapped, and cells of every wrong kind."""
    grid = [*csv.reader(io.StringIO(raw.decode("utf-8-sig", "replace"), newline=""))]
    yield from ((what, csv_bytes(harmed)) for what, harmed in grid_of(grid, rng))


def csv_bytes(grid: list[list[Any]]) -> bytes:
    """A grid as CSV in UTF-8."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows(grid)
    return out.getvalue().encode()


def grid_of(grid: list[list[Any]], rng: Random) -> Iterator[tuple[str, list[list[Any]]]]:
    """A grid of cells (header first) harmed in its rows, columns and cells."""
    head, *rows = grid or [[]]
    yield "header only", [head]
    yield "no header", rows
    yield "header twice", [head, head, *rows]
    yield "every row twice", [head, *rows, *rows]
    yield "rows in another order", [head, *rows[::-1]]
    yield "first column gone", [row[1:] for row in grid]
    yield "last column gone", [row[:-1] for row in grid]
    yield "two columns of one name", [[*row, *row[:1]] for row in grid]
    yield "a blank row", [head, *rows[:1], [], [""] * len(head), *rows[1:]]
    yield "a row too short", [head, *[r[:1] for r in rows[:1]], *rows[1:]]
    yield "a row too long", [head, *[[*r, "x", "y"] for r in rows[:1]], *rows[1:]]
    yield "columns swapped under their names", [head, *[r[1:2] + r[:1] + r[2:] for r in rows]]
    yield "header in capitals", [[str(c).upper() for c in head], *rows]
    yield "every cell the same", [head, *[["1"] * len(head) for _ in rows]]
    yield "no row has a cell", [head, *[[""] * len(head) for _ in rows]]
    while rows:
        copy = [[*row] for row in rows]
        row, column = rng.randrange(len(rows)), rng.randrange(max(1, len(head)))
        word = rng.choice(WRONG)
        if column < len(copy[row]):
            copy[row][column] = word
            yield f"{head[column]!r} of row {row + 1} is {word[:20]!r}", [head, *copy]
        whole = [[*r] for r in rows]
        for line in whole:
            if column < len(line):
                line[column] = word
        yield f"every {head[column]!r} is {word[:20]!r}", [head, *whole]
        del copy[row]
        yield f"row {row + 1} gone", [head, *copy]


def tree_of(tree: Any, rng: Random) -> Iterator[tuple[str, Any]]:
    """Plain data with one value of another type, one key gone, one more, or the whole of another type."""
    for odd in _ODD:
        yield f"all of it is {odd!r}", odd
    paths = [*_paths(tree)]
    while paths:
        path = rng.choice(paths)
        where = ".".join(map(str, path))
        yield f"{where} gone", _changed(tree, path, None, drop=True)
        odd = rng.choice(_ODD)
        yield f"{where} is {odd!r}", _changed(tree, path, odd)
        yield f"a strange key beside {where}", _changed(tree, (*path[:-1], "strange"), odd)


def _paths(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in pairs:
        yield (*path, key)
        yield from _paths(value, (*path, key))


def _changed(tree: Any, path: tuple[Any, ...], value: Any, drop: bool = False) -> Any:
    if not path:
        return value
    copy = dict(tree) if isinstance(tree, dict) else [*tree] if isinstance(tree, list) else {}
    key, rest = path[0], path[1:]
    if isinstance(copy, list) and not isinstance(key, int):
        return [*copy, value]
    if rest:
        copy[key] = _changed(copy[key], rest, value, drop)
    elif drop:
        del copy[key]
    else:
        copy[key] = value
    return copy


def json_of(raw: bytes, rng: Random) -> Iterator[Harm]:
    """JSON of another shape, deeper and larger than any program writes."""
    yield "deep nesting", b"[" * 200_000 + b"]" * 200_000
    yield "deep objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    yield "NaN", b"NaN"
    yield "a huge number", b'{"schema": ' + b"9" * 5000 + b"}"
    yield "a key twice", b'{"state": "done", "state": 1}'
    yield "a lone surrogate", b'{"a": "\\ud800"}'
    yield from ((what, json.dumps(tree).encode()) for what, tree in tree_of(json.loads(raw), rng))


def yaml_of(raw: bytes, rng: Random) -> Iterator[Harm]:
    """YAML that refers to itself, that asks for Python objects, and of another shape."""
    import yaml

    links = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12))
    yield "a bomb of anchors", f"a0: &a0 [x]\n{links}\n".encode() + raw
    yield "it holds itself", b"a: &a [*a]\n" + raw
    yield "a Python object", b"a: !!python/object/apply:os.system ['true']\n" + raw
    yield "a Python name", b"!!python/name:os.system\n"
    yield "deep flow", b"a: " + b"[" * 50_000 + b"]" * 50_000
    yield "deep mappings", b"a: " + b"{a: " * 20_000 + b"1" + b"}" * 20_000
    yield "deep blocks", b"".join(b" " * i + b"a:\n" for i in range(3000))
    yield "a number of 5000 digits", b"task: " + b"9" * 5000 + b"\n" + raw
    yield "two documents", raw + b"\n---\n" + raw
    yield "a merge key", b"<<: {task: x}\n" + raw
    yield "a key that is a list", b"[1, 2]: x\n" + raw
    yield "a tab", raw.replace(b"  ", b"\t")
    yield "a directive", b"%YAML 9.9\n---\n" + raw
    tree = yaml.safe_load(raw)
    yield from ((what, yaml.safe_dump(harmed, sort_keys=False).encode()) for what, harmed in tree_of(tree, rng))


def zip_of(raw: bytes, rng: Random) -> Iterator[Harm]:
    """Archives whose members are missing, named to get out, doubled, huge, locked, or not what the headers say."""
    members = zip_members(raw)
    names = [*members]
    yield "no member", zipped({})
    for name in names[:3]:
        yield f"{name} gone", zipped({k: v for k, v in members.items() if k != name})
    for evil in ("../../evil", "/etc/passwd", "C:\\evil", "a/../../b", EVIL[0], "x" * 60_000, "con", "a\x00b"):
        yield f"a member {evil[:20]!r}", zipped({**members, evil: b"x"})
    yield "a bomb", bomb(members, names[0])
    yield "a bomb that says it is small", _lying(bomb(members, names[0]))
    yield "sizes of 4 GiB", _lying(raw, 0xFFFFFFF0)
    yield "locked", _flagged(raw, 1)
    yield "an unknown method", _flagged(raw, None, method=99)
    yield "a link", zipped(members, link=names[0])
    yield "many members", zipped({f"m{i}": b"" for i in range(30_000)})
    yield "members swapped", zipped(dict(zip(names, [members[n] for n in names[1:] + names[:1]], strict=True)))
    yield "a comment", raw[:-2] + struct.pack("<H", 9) + b"<img src="
    yield "lzma", zipped(members, method=zipfile.ZIP_LZMA)
    at = raw.rfind(b"PK\x05\x06")
    yield "no directory", raw[: raw.find(b"PK\x01\x02")]
    yield "directory points at itself", raw[: at + 16] + struct.pack("<I", at) + raw[at + 20 :]
    while True:
        name = rng.choice(names)
        what, harmed = next(h for i, h in enumerate(bytes_of(members[name], rng)) if i == rng.randrange(8) or i > 20)
        yield f"{name}: {what}", zipped({**members, name: harmed})
        # The same harm under a broken checksum: what a disk does.
        begin = raw.find(name.encode()) + len(name) + rng.randrange(64)
        yield (
            f"{name}: bytes flipped on disk",
            raw[:begin] + bytes(b ^ 0x55 for b in raw[begin : begin + 4]) + raw[begin + 4 :],
        )


def zip_members(raw: bytes) -> dict[str, bytes]:
    """Name and content of every member."""
    with zipfile.ZipFile(io.BytesIO(raw)) as file:
        return {info.filename: file.read(info) for info in file.infolist()}


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, link: str = "") -> bytes:
    """A zip of members; `link` is marked as a symbolic link."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method, compresslevel=1) as file:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o120777 if name == link else 0o644) << 16
            file.writestr(info, data, method)
    return out.getvalue()


def bomb(members: dict[str, bytes], name: str, head: bytes = b"", fill: bytes = b"\0", tail: bytes = b"") -> bytes:
    """An archive of some megabytes whose member `name` unpacks to more than a gigabyte of `fill`."""
    packed, size, crc = _gigabyte(head, fill, tail)
    raw = bytearray(zipped({**members, name: packed}, zipfile.ZIP_STORED))
    for magic, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = raw.find(magic)
        while at >= 0:
            length, begin = (26, 30) if magic[2] == 3 else (28, 46)
            (letters,) = struct.unpack_from("<H", raw, at + length)
            if raw[at + begin : at + begin + letters] == name.encode():
                struct.pack_into("<H", raw, at + place, zipfile.ZIP_DEFLATED)
                struct.pack_into("<III", raw, at + place + 6, crc, len(packed), size)
            at = raw.find(magic, at + 4)
    return bytes(raw)


@cache
def _gigabyte(head: bytes, fill: bytes, tail: bytes) -> tuple[bytes, int, int]:
    """Deflated bytes, size and checksum of `head`, a gigabyte of `fill`, and `tail`."""
    block, times = fill * ((1 << 20) // len(fill)), 1040
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    middle = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    last = packer.compress(tail) + packer.flush()
    crc = zlib.crc32(head)
    for _ in range(times):
        crc = zlib.crc32(block, crc)
    return first + middle * times + last, len(head) + len(block) * times + len(tail), zlib.crc32(tail, crc)


def _lying(raw: bytes, size: int = 10) -> bytes:
    """The uncompressed size of every member, in both headers, set to `size`."""
    harmed = bytearray(raw)
    for magic, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = raw.find(magic)
        while at >= 0:
            harmed[at + place : at + place + 4] = struct.pack("<I", size)
            at = raw.find(magic, at + 4)
    return bytes(harmed)


def _flagged(raw: bytes, flag: int | None, method: int | None = None) -> bytes:
    harmed = bytearray(raw)
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = raw.find(magic)
        while at >= 0:
            if flag is not None:
                harmed[at + place] |= flag
            if method is not None:
                harmed[at + place + 2 : at + place + 4] = struct.pack("<H", method)
            at = raw.find(magic, at + 4)
    return bytes(harmed)


def npy(array: Any) -> bytes:
    """An array as .npy; objects are pickled, which no reader may open."""
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def npy_of(raw: bytes) -> Iterator[Harm]:
    """Arrays of objects, of other types and shapes, and headers that promise what is not there."""
    array = np.load(io.BytesIO(raw), allow_pickle=False)
    if array.dtype.kind not in "fiu":
        array = np.zeros((3, 2))
    yield "an array of objects", npy(np.array([{"a": 1}, print], dtype=object))
    yield "texts", npy(np.array(["a", "b"]))
    yield "complex numbers", npy(array.astype(complex))
    yield "records", npy(np.zeros(3, dtype=[("a", "f4"), ("b", "i4")]))
    yield "dates", npy(np.array(["2026-01-01"], dtype="M8[D]"))
    yield "a single number", npy(np.float64(3))
    yield "no element", npy(array[:0])
    yield "one dimension more", npy(array[None])
    yield "flat", npy(array.ravel())
    yield "all NaN", npy(np.full(array.shape, np.nan))
    yield "all infinite", npy(np.full(array.shape, np.inf))
    yield "all negative", npy(-np.abs(array.astype(np.float64)) - 1)
    yield "huge", npy(np.full(array.shape, 1e300))
    yield "whole numbers", npy(np.nan_to_num(array).astype(np.int64))
    yield "big endian", npy(array.astype(">f8"))
    for shape in ((10**6, 10**6, 10**6), (2**62,), (-1,), (10**10,), (10**9, 68, 2), "x", (1.5,)):
        yield f"a header that promises {shape}", npy_header({"descr": "<f8", "fortran_order": False, "shape": shape})
    yield "a header of another kind", npy_header([1, 2])
    yield "a header without type", npy_header({"shape": (1,)})
    yield "a header with a call", npy_header({"descr": "|O", "fortran_order": False, "shape": (1,)})
    yield "a header of 4 GiB", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}"
    yield "a header of brackets", _npy_text("(" * 9000)
    yield "version 9", raw[:6] + b"\x09\x00" + raw[8:]


def npy_header(told: Any) -> bytes:
    """An .npy file whose header says `told`, with 64 bytes of data."""
    return _npy_text(repr(told)) + bytes(64)


def _npy_text(text: str) -> bytes:
    head = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head


def npz_of(raw: bytes, rng: Random) -> Iterator[Harm]:
    """Every harm of an array, in each member in turn, besides those of an archive."""
    members = zip_members(raw)
    for name, data in members.items():
        for what, harmed in npy_of(data):
            yield f"{name}: {what}", zipped({**members, name: harmed})
    yield from zip_of(raw, rng)


def tensors_of(raw: bytes, rng: Random) -> Iterator[Harm]:
    """Safetensors whose header lies: its length, places, shapes, types, metadata."""
    size = int.from_bytes(raw[:8], "little")
    head, data = json.loads(raw[8 : 8 + size]), raw[8 + size :]
    for length in (0, 2**63, 2**64 - 1, 2**31, len(raw), size - 1, size + 1, 100_000_001):
        yield f"a header of {length} bytes", length.to_bytes(8, "little") + raw[8:]
    yield "a header that is no JSON", tensors("{", data)
    yield "a deep header", tensors("[" * 100_000, data)
    yield "no tensor", tensors(json.dumps({"__metadata__": head.get("__metadata__", {})}), b"")
    names = [name for name in head if name != "__metadata__"]
    changes: tuple[tuple[str, Callable[[dict[str, Any]], dict[str, Any]]], ...] = (
        ("ends before it begins", lambda t: {**t, "data_offsets": t["data_offsets"][::-1]}),
        ("lies past the end", lambda t: {**t, "data_offsets": [o + 2**40 for o in t["data_offsets"]]}),
        ("lies before the file", lambda t: {**t, "data_offsets": [-8, 8]}),
        ("overlaps", lambda t: {**t, "data_offsets": [0, t["data_offsets"][1]]}),
        ("has another shape", lambda t: {**t, "shape": [2**20, 2**20]}),
        ("has a shape that overflows", lambda t: {**t, "shape": [2**62, 2**62]}),
        ("has a negative shape", lambda t: {**t, "shape": [-1]}),
        ("has another type", lambda t: {**t, "dtype": "F64"}),
        ("has an unknown type", lambda t: {**t, "dtype": "O"}),
        ("has no shape", lambda t: {k: v for k, v in t.items() if k != "shape"}),
        ("has texts for places", lambda t: {**t, "data_offsets": "ab"}),
        ("is a list", lambda t: [t]),  # type: ignore[dict-item,return-value]
    )
    for name in names[:2]:
        for what, change in changes:
            yield f"{name} {what}", tensors(json.dumps({**head, name: change(head[name])}), data)
        yield f"{name} gone", tensors(json.dumps({k: v for k, v in head.items() if k != name}), data)
        yield f"{name} under an evil name", tensors(json.dumps({**head, EVIL[0]: head[name]}), data)
    told = (head.get("__metadata__") or {}).get("mezoo")
    if told:
        for what, harmed in json_of(told.encode(), rng):
            inner = harmed.decode("utf-8", "replace")
            yield f"card: {what}", tensors(json.dumps({**head, "__metadata__": {"mezoo": inner}}), data)


def tensors(header: str, data: bytes) -> bytes:
    """A safetensors file from the text of its header."""
    text = header.encode()
    return len(text).to_bytes(8, "little") + text + data


def book_of(raw: bytes, rng: Random) -> Iterator[Harm]:
    """Workbooks: every harm of a grid in the longest sheet."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(raw), data_only=True)
    sheets = {s.title: [[*row] for row in s.iter_rows(values_only=True)] for s in book.worksheets}
    title = max(sheets, key=lambda t: len(sheets[t]))
    yield "no sheet but a cover", book_bytes({"Cover": [["hello"]]})
    yield "a sheet of an evil name", book_bytes({"evil": [["x"]], **{f"{t}'<b>"[:31]: g for t, g in sheets.items()}})
    header = next(i for i, row in enumerate(sheets[title]) if sum(c is not None for c in row) > 2)
    above, below = sheets[title][:header], sheets[title][header:]
    for what, grid in grid_of(below, rng):
        yield what, book_bytes({**sheets, title: [*above, *grid]})


def book_bytes(sheets: dict[str, list[list[Any]]]) -> bytes:
    """A workbook of plain values; what a workbook cannot hold is left out."""
    import openpyxl
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = openpyxl.Workbook(write_only=True)
    for title, grid in sheets.items():
        sheet = book.create_sheet(title)
        for row in grid:
            sheet.append([ILLEGAL_CHARACTERS_RE.sub("", c)[:32_000] if isinstance(c, str) else c for c in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _xml_of(raw: bytes) -> Iterator[Harm]:
    """Workbooks of XML that no spreadsheet program writes."""
    members = zip_members(raw)
    sheet = next(name for name in members if name.startswith("xl/worksheets/sheet"))
    head, tail = b'<?xml version="1.0"?>', b"<worksheet><sheetData>%s</sheetData></worksheet>"
    space = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData>'
    space += b"</worksheet>"
    lol = b"".join(b'<!ENTITY l%d "%s">' % (i, b"&l%d;" % (i - 1) * 10) for i in range(1, 10))
    lol = head + b'<!DOCTYPE z [<!ENTITY l0 "lol">' + lol + b"]>"
    lol += space % b'<row r="1"><c t="str"><v>&l9;</v></c></row>'
    outside = head + b'<!DOCTYPE z [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    outside += space % b'<row r="1"><c r="A1" t="str"><v>&x;</v></c></row>'
    far = space % b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    past = space % b'<row r="99999999"><c r="A99999999"><v>1</v></c></row>'
    wide = space % b"".join(b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>' % (i, i) for i in range(1, 3000))
    yield "a bomb of zeros", bomb(members, sheet)
    begin, end = (space % b"|").split(b"|")
    yield "a bomb of rows", bomb(members, sheet, begin, b"<row/>", end)
    yield "a bomb of texts", bomb(members, sheet, begin, b'<row><c t="str"><v>x</v></c></row>', end)
    for what, xml in (
        ("a bomb of entities", lol),
        ("an entity that reads a file", outside),
        ("a cell at the far corner", far),
        ("a cell past the far corner", past),
        ("rows as wide as a sheet can be", wide),
        ("XML cut off", members[sheet][: len(members[sheet]) // 2]),
        ("XML of another kind", tail % b"<x/>"),
        ("a cell of an unknown kind", space % b'<row r="1"><c r="A1" t="q"><v>x</v></c></row>'),
        ("a text that is not in the list", space % b'<row r="1"><c r="A1" t="s"><v>99999</v></c></row>'),
        ("a number of 5000 digits", space % (b'<row r="1"><c r="A1"><v>' + b"9" * 5000 + b"</v></c></row>")),
        ("a megabyte in a cell", space % (b'<row r="1"><c r="A1" t="str"><v>' + b"x" * (1 << 20) + b"</v></c></row>")),
        ("a row before the first", space % b'<row r="-3"><c r="A-3"><v>1</v></c></row>'),
    ):
        yield what, zipped({**members, sheet: xml})
    for name in members:
        yield f"{name} gone", zipped({k: v for k, v in members.items() if k != name})


def image_of(raw: bytes) -> Iterator[Harm]:
    """Images whose headers promise more than there is."""
    for size in ((60_000, 60_000), (30_000, 30_000), (2**31 - 1, 2**31 - 1), (0, 0), (1, 2**30)):
        head = struct.pack(">II5B", *size, 8, 2, 0, 0, 0)
        chunks = (b"IHDR", head), (b"IDAT", zlib.compress(bytes(1 << 16))), (b"IEND", b"")
        png = b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks
        )
        yield f"a PNG of {size[0]} x {size[1]}", png
        info = struct.pack("<IiiHHIIiiII", 40, *[min(s, 2**31 - 1) for s in size], 1, 24, 0, 0, 0, 0, 0, 0)
        yield f"a BMP of {size[0]} x {size[1]}", b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info + bytes(64)
    at = raw.find(b"\xff\xc0")
    if at >= 0:
        yield "a JPEG of 65535 x 65535", raw[: at + 5] + b"\xff\xff\xff\xff" + raw[at + 9 :]


def film_of(raw: bytes, rng: Random) -> Iterator[Harm]:
    """Films whose headers lie about frames, rate, size and length, box by box."""
    for mark in (b"avih", b"strh", b"strf", b"mvhd", b"tkhd", b"mdhd", b"stts", b"stsz", b"stsc", b"stco", b"idx1"):
        at = raw.find(mark)
        for fill in (b"\xff", b"\x00", b"\x7f") if at >= 0 else ():
            for start in (4, 8, 16, 24, 32, 40):
                place = at + 4 + start
                yield f"{mark.decode()} + {start}: {fill.hex()}", raw[:place] + fill * 4 + raw[place + 4 :]
        if at >= 4:
            yield f"{mark.decode()} of 2 GiB", raw[: at - 4] + b"\x7f\xff\xff\xff" + raw[at:]
            yield f"cut behind {mark.decode()}", raw[: at + 8]
    for mark in (b"moov", b"mdat", b"movi", b"LIST", b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"):
        at = raw.find(mark)
        if at >= 0:
            yield f"no {mark!r}", raw[:at] + b"free" + raw[at + 4 :]
            yield f"cut in {mark!r}", raw[: at + 6]


FAMILIES: dict[str, Callable[[bytes, Random], list[Iterator[Harm]]]] = {
    "csv": lambda raw, rng: [table_of(raw, rng), text_of(raw), bytes_of(raw, rng)],
    "text": lambda raw, rng: [text_of(raw), bytes_of(raw, rng)],
    "xlsx": lambda raw, rng: [_xml_of(raw), book_of(raw, rng), bytes_of(raw, rng)],
    "book": lambda raw, rng: [book_of(raw, rng), bytes_of(raw, rng)],
    "bytes": lambda raw, rng: [bytes_of(raw, rng)],
    "json": lambda raw, rng: [json_of(raw, rng), text_of(raw), bytes_of(raw, rng)],
    "yaml": lambda raw, rng: [yaml_of(raw, rng), text_of(raw), bytes_of(raw, rng)],
    "npy": lambda raw, rng: [npy_of(raw), bytes_of(raw, rng)],
    "npz": lambda raw, rng: [npz_of(raw, rng), bytes_of(raw, rng)],
    "zip": lambda raw, rng: [zip_of(raw, rng), bytes_of(raw, rng)],
    "tensors": lambda raw, rng: [tensors_of(raw, rng), bytes_of(raw, rng)],
    "image": lambda raw, rng: [image_of(raw), bytes_of(raw, rng)],
    "film": lambda raw, rng: [film_of(raw, rng), bytes_of(raw, rng)],
}


def harms(raw: bytes, family: str, seed: str, count: int) -> Iterator[Harm]:
    """`count` harms of a family, its several kinds in turn; where one kind is spent, the others go on."""
    rng = Random(seed)
    kinds = FAMILIES[family](raw, rng)
    while kinds and count:
        for kind in [*kinds]:
            harm = next(kind, None)
            if harm is None:
                kinds.remove(kind)
                continue
            yield harm
            count -= 1
            if not count:
                return
