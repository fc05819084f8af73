"""What computes, and what reads films; here torch, OpenCV and decord are really loaded."""

import shutil
from collections.abc import Iterator

from mezoo.doctor.finding import Finding


def films() -> Finding:
    """Whether images are still read after decord was loaded, which brings a zlib of its own."""
    try:
        import cv2
        import numpy as np

        png = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1]
    except Exception as error:  # a broken wheel raises whatever it likes
        return Finding("images", f"OpenCV cannot be loaded: {error}", "wrong", "pip install opencv-contrib-python")
    try:
        import decord

        name = f"decord {decord.__version__}"
    except (ImportError, OSError):
        name = "PyAV alone"
    if cv2.imdecode(png, cv2.IMREAD_COLOR) is None:
        hint = "import cv2 before decord, as mezoo does"
        return Finding("images", f"OpenCV reads no PNG beside {name}", "wrong", hint)
    return Finding("images", f"PNG is read beside {name}")


def devices() -> Iterator[Finding]:
    """GPUs with their memory, and the compiler that `compile: true` needs."""
    try:
        import torch
    except Exception as error:  # as above
        yield Finding("torch", f"torch cannot be loaded: {error}", "wrong", "pip install --upgrade torch torchvision")
        return
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            told = torch.cuda.get_device_properties(i)
            yield Finding("device", f"cuda:{i} {told.name}, {told.total_memory / (1 << 30):.0f} GiB")
    elif torch.backends.mps.is_available():
        yield Finding("device", "mps, the GPU of this Mac")
    elif torch.version.cuda is not None and shutil.which("nvidia-smi"):
        what = f"there is a GPU, and torch {torch.__version__} for CUDA {torch.version.cuda} does not see it"
        yield Finding("device", what, "wrong", "nvidia-smi tells whether its driver is old enough to be the cause")
    else:
        yield Finding("device", f"no GPU; torch computes on {torch.get_num_threads()} threads", "note")
    if not any(map(shutil.which, ("c++", "g++", "clang++", "cl"))):
        yield Finding("compiler", "no C++ compiler: `compile: true` changes nothing", "note")
