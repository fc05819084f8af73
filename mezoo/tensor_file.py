"""A safetensors file written block by block: its header has a fixed length and is filled in at the end."""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mezoo.errors import PluginError

_HEADER = 512
_LONGEST = 1 << 20
"""Bytes of a header that is believed."""
_NAMES = {
    "bool": "BOOL",
    "uint8": "U8",
    "int8": "I8",
    "int16": "I16",
    "uint16": "U16",
    "int32": "I32",
    "int64": "I64",
    "float16": "F16",
    "float32": "F32",
    "float64": "F64",
}


def write_blocks(path: Path, blocks: Iterable[tuple[NDArray[Any], NDArray[np.int64]]]) -> tuple[list[int], str]:
    """Write `values` (rows, ...) and `positions` (rows,) int64 from blocks; shape and dtype of the values.

    Raises PluginError for blocks that do not fit together, for a dtype without a name in the format, and for none.
    """
    shape: list[int] | None = None
    dtype = ""
    positions: list[NDArray[np.int64]] = []
    with path.open("wb") as file:
        file.seek(8 + _HEADER)
        for values, where in blocks:
            if shape is None:
                shape, dtype = [0, *values.shape[1:]], str(values.dtype)
            _check(values, where, shape, dtype)
            shape[0] += len(values)
            positions.append(np.asarray(where, dtype=np.int64))
            file.write(np.ascontiguousarray(values).data)
        if shape is None:
            raise PluginError("an extractor gave no block of features", hint="report this to the extractor's author")
        size = file.tell() - 8 - _HEADER
        file.write(np.concatenate(positions).data)
        file.seek(0)
        file.write(_header(shape, dtype, size))
    return shape, dtype


def read_mapped(path: Path) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """`values` and `positions` of such a file; values are mapped, not read: memory holds only what is looked at.

    Writing to them changes the copy in memory, never the file. Raises ValueError or OSError for a damaged file.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > _LONGEST:
            raise ValueError(f"its header has {length} bytes")
        try:
            entries = json.loads(file.read(length))
            told, where = entries["values"], entries["positions"]
            dtype = np.dtype({code: name for name, code in _NAMES.items()}[told["dtype"]])
            shape = tuple(map(int, told["shape"]))
            (begin, end), (first, last) = _span(told), _span(where)
        except (KeyError, TypeError, RecursionError, OverflowError) as error:
            raise ValueError(f"its header is not that of features ({type(error).__name__}: {error})") from error
        start, size = 8 + length, path.stat().st_size - 8 - length
        fits = all(n >= 0 for n in shape) and math.prod(shape) * dtype.itemsize == end - begin
        if not fits or not shape or last - first != 8 * shape[0] or max(end, last) > size:
            raise ValueError("its header and its size do not agree")
        file.seek(start + first)
        positions = np.frombuffer(file.read(last - first), dtype=np.int64).copy()
    if 0 in shape:
        return np.empty(shape, dtype), positions
    return np.memmap(path, dtype, "c", start + begin, shape), positions


def _span(told: Any) -> tuple[int, int]:
    begin, end = map(int, told["data_offsets"])
    if not 0 <= begin <= end:
        raise ValueError(f"a tensor lies from {begin} to {end}")
    return begin, end


def _check(values: NDArray[Any], where: NDArray[np.int64], shape: list[int], dtype: str) -> None:
    given = (list(values.shape[1:]), str(values.dtype), len(where))
    if given != (shape[1:], dtype, len(values)) or dtype not in _NAMES:
        raise PluginError(
            f"a block of features has rows of shape {given[0]}, dtype {given[1]} and {given[2]} positions for "
            f"{len(values)} rows; the first block has {shape[1:]} and {dtype}",
            hint="every block of a stream has one dtype and row shape, and a position for each row",
        )


def _header(shape: list[int], dtype: str, size: int) -> bytes:
    rows = shape[0]
    entries = {
        "values": {"dtype": _NAMES[dtype], "shape": shape, "data_offsets": [0, size]},
        "positions": {"dtype": "I64", "shape": [rows], "data_offsets": [size, size + 8 * rows]},
    }
    text = json.dumps(entries, separators=(",", ":")).encode()
    return _HEADER.to_bytes(8, "little") + text.ljust(_HEADER)
