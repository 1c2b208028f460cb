// A part of predict.py, which graft export ray writes: the recipe, and its geometry with Pillow's own resize.
// The text is Python as it is run: ruff's format at 100 columns, no dollar signs, no backquotes.

export const rayPictures = String.raw`#!/usr/bin/env python3
"""Predict pictures with the network beside this script, on one machine or on many.

    python predict.py --images pictures/ --out predictions
    python predict.py --images s3://bucket/pictures --out s3://bucket/labels --address auto
    python predict.py --images 'holiday/*.jpg' --out here --format csv --local

Every picture is a row: its path, label and probabilities, or why it could not be read. numpy,
Pillow and onnxruntime are needed, and ray[data] for more than --local. README.md says more.
"""

from __future__ import annotations

import argparse
import csv
import glob
import hashlib
import io
import json
import math
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Iterator, Sequence

import numpy as np
import onnxruntime
from PIL import Image, ImageCms

# --- how pictures are prepared -------------------------------------------------------------------

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
EXTENSIONS = tuple(
    ".jpg .jpeg .jpe .jfif .png .webp .gif .avif .tif .tiff .bmp .heic .heif .svg .jxl .jp2".split()
)
FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "nearest": Image.Resampling.NEAREST,
}
TURNS = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_270,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_90,),
}
MOST_BYTES = 256 * 1024 * 1024
MOST_PIXELS = 50_000_000
LONGEST_SIDE = 16_384


class PictureError(Exception):
    """A picture that is refused: a code, and what is wrong."""


@dataclass(frozen=True)
class Recipe:
    """What recipe.json says: labels, and how pictures are brought to the network's size."""

    labels: list[str]
    task: str
    width: int
    height: int
    resize: str
    crop_fraction: float
    filter: str
    background: tuple[int, int, int]
    sha256: str

    @staticmethod
    def read(path: str) -> Recipe:
        with open(path, encoding="utf-8") as file:
            told = json.load(file)
        prepared = told["preprocessing"]
        return Recipe(
            labels=told["labels"],
            task=told["task"],
            width=prepared["width"],
            height=prepared["height"],
            resize=prepared["resize"],
            crop_fraction=prepared["cropFraction"],
            filter=prepared["filter"],
            background=tuple(prepared["background"]),
            sha256=told["model"]["sha256"],
        )


def place(width: int, height: int, recipe: Recipe) -> tuple[int, int, int, int]:
    """The size that a picture is resized to, and the corner of the crop in it."""
    wide = math.floor(recipe.width / recipe.crop_fraction + 1e-9)
    high = math.floor(recipe.height / recipe.crop_fraction + 1e-9)
    if recipe.resize == "shorter-side":
        if width * high <= height * wide:
            high = math.floor(wide * height / width)
        else:
            wide = math.floor(high * width / height)
    return wide, high, round((wide - recipe.width) / 2), round((high - recipe.height) / 2)


@dataclass(frozen=True)
class Decoded:
    """A picture; of a large JPEG a smaller one, whose size is whole and which lies in the box."""

    picture: Image.Image
    whole: tuple[int, int]
    box: tuple[float, float, float, float] | None


def prepare(data: bytes, recipe: Recipe) -> np.ndarray:
    """The bytes of a picture file as the network sees them: uint8 [height, width, 3]."""
    decoded = decode(data, recipe)
    wide, high, left, top = place(*decoded.whole, recipe)
    if decoded.box is None:
        # rows first: which of the two passes Pillow does first differs between its versions
        kind = FILTERS[recipe.filter]
        resized = decoded.picture.resize((wide, decoded.picture.height), kind)
        resized = resized.resize((wide, high), kind)
        crop = resized.crop((left, top, left + recipe.width, top + recipe.height))
        return np.ascontiguousarray(crop, np.uint8)
    x, y, width, height = decoded.box
    pixels = np.asarray(decoded.picture, np.float64)
    across = weights(x, width, pixels.shape[1], wide, left, recipe.width, recipe.filter)
    down = weights(y, height, pixels.shape[0], high, top, recipe.height, recipe.filter)
    # each pass is rounded and clipped to 8 bits: [h, w, 3] to [h, out, 3] to [out, out, 3]
    rows = fixed(np.einsum("ox,hxc->hoc", across, pixels, optimize=True))
    return fixed(np.einsum("oh,hwc->owc", down, rows, optimize=True)).astype(np.uint8)


def weights(
    start: float, length: float, size: int, out: int, first: int, count: int, name: str
) -> np.ndarray:
    """One axis of Pillow's resize, its box may end beyond the picture: [count, size], in 2**-22."""
    radius, kernel = KERNELS[name]
    step = length / out
    stretch = max(step, 1.0)
    table = np.zeros((count, size))
    for i in range(count):
        center = start + (first + i + 0.5) * step
        low = min(max(int(center - radius * stretch + 0.5), 0), size - 1)
        high = max(min(int(center + radius * stretch + 0.5), size), low + 1)
        share = kernel((np.arange(low, high) - center + 0.5) / stretch)
        share = share / share.sum() if share.sum() != 0 else np.full(high - low, 1 / (high - low))
        table[i, low:high] = np.trunc(share * 2**22 + np.where(share < 0, -0.5, 0.5))
    return table


def fixed(sums: np.ndarray) -> np.ndarray:
    """Sums in 2**-22 as levels."""
    return np.clip(np.floor((sums + 2**21) / 2**22), 0, 255)


def bicubic(x: np.ndarray) -> np.ndarray:
    """Pillow's bicubic, a = -0.5."""
    d = np.abs(x)
    near = (1.5 * d - 2.5) * d * d + 1
    far = (((d - 5) * d + 8) * d - 4) * -0.5
    return np.where(d < 1, near, np.where(d < 2, far, 0.0))


KERNELS = {
    "box": (0.5, lambda x: ((x > -0.5) & (x <= 0.5)).astype(np.float64)),
    "bilinear": (1.0, lambda x: np.maximum(0.0, 1 - np.abs(x))),
    "bicubic": (2.0, bicubic),
    "lanczos": (3.0, lambda x: np.where((x >= -3) & (x < 3), np.sinc(x) * np.sinc(x / 3), 0.0)),
}
`;
