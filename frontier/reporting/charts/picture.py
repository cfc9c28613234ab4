"""A figure as a file: laid out once, and as a PNG of 256 colours, a third of the bytes and the same to the eye."""

from __future__ import annotations

import io

import matplotlib
from matplotlib.figure import Figure
from PIL import Image


def lay_out(figure: Figure) -> None:
    """Lay the figure out, once for all formats: where that is left to do, saving draws everything twice."""
    figure.dpi = matplotlib.rcParams["savefig.dpi"]  # text is as wide as it will be
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)


def png(figure: Figure) -> bytes:
    """The PNG file of a figure that is laid out."""
    pixels, file = io.BytesIO(), io.BytesIO()
    figure.savefig(pixels, format="rgba")
    width, height = map(int, figure.bbox.size)  # in pixels, as it is laid out
    whole = Image.frombytes("RGBA", (width, height), pixels.getvalue())
    few = whole.convert("RGB").quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(file, "PNG")
    return file.getvalue()
