"""Arrays of strangers: .npy and .npz read without pickles, and without more memory than the file really holds."""

import io
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mezoo.files import LARGEST, read_plain

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Every array of an .npz by name, or the one of an .npy under "".

    Raises OSError for a file that cannot be read, ValueError for anything that is not plain arrays: pickled objects, a
    header that promises more than there is, more than `LARGEST` bytes unpacked, a damaged archive.
    """
    raw = read_plain(path)
    try:
        if raw.startswith(b"PK"):
            return _members(raw)
        return {"": _array(raw)}
    except (OSError, ValueError):
        raise
    except Exception as error:  # zlib, lzma, zipfile, struct, tokenize and ast each have their own
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _members(raw: bytes) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(raw)) as file:
        # No member is read beyond the size that its header gives.
        size = sum(info.file_size for info in file.infolist())
        if size > LARGEST:
            raise ValueError(f"it unpacks to {size >> 20} MB, more than {LARGEST >> 20} MB")
        return {info.filename.removesuffix(".npy"): _array(file.read(info)) for info in file.infolist()}


def _array(data: bytes) -> NDArray[Any]:
    buffer = io.BytesIO(data)
    version = npy.read_magic(buffer)
    if version not in _HEADERS:
        raise ValueError(f"version {version} of the format is not known")
    shape, by_column, dtype = _HEADERS[version](buffer)
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are never opened")
    if any(n < 0 for n in shape):
        raise ValueError(f"its header says the shape {shape}")
    count, start = math.prod(shape), buffer.tell()
    if count * dtype.itemsize > len(data) - start:
        raise ValueError(f"its header promises {shape} of {dtype}, and {len(data) - start} bytes are there")
    flat = np.frombuffer(data, dtype, count, start) if count and dtype.itemsize else np.empty(count, dtype)
    return flat.reshape(shape, order="F" if by_column else "C").copy(order="K")
