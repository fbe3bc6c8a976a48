"""Writes the image files and pillow.json of this folder with Pillow.

Usage: python3 make_testdata.py   (in this folder; needs Pillow and numpy)
"""

import json
import struct
import zlib

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 12, 8
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH]
RGB = np.stack([20 * X, 30 * Y, 10 * X + 10 * Y], axis=-1).astype(np.uint8)
GRAY = (20 * X + 3 * Y).astype(np.uint8)
ALPHA = (255 - 20 * X).astype(np.uint8)


def write_rgba16(path):
    """A 16-bit RGBA PNG file, which Pillow does not write."""
    samples = np.dstack([RGB, ALPHA]).astype(">u2") * 256 + 200
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))

    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" +
                chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 6,
                                           0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def write_images():
    rgb = Image.fromarray(RGB)
    gray = Image.fromarray(GRAY)
    rgb.save("rgb.png")
    gray.save("gray.png")
    rgb.save("rgb.bmp")
    Image.fromarray(np.dstack([RGB, ALPHA])).save("rgba.png")
    Image.fromarray(np.dstack([GRAY, ALPHA])).save("gray_alpha.png")
    Image.fromarray(((X + Y) % 2 * 255).astype(np.uint8)).convert("1").save(
        "one_bit.png")
    palette = Image.fromarray((X % 3).astype(np.uint8), mode="P")
    palette.putpalette([255, 0, 0, 0, 128, 0, 10, 20, 30])
    palette.save("palette.png", bits=2)
    palette.save("palette_alpha.png", bits=2, transparency=bytes([255, 0, 128]))
    # The low byte differs from the high one, to show which is kept.
    Image.fromarray(GRAY.astype(np.uint16) * 256 + 200).save("gray16.png")
    write_rgba16("rgba16.png")
    rgb.save("rgb.jpg", quality=95)
    rgb.save("progressive.jpg", quality=95, progressive=True)
    gray.save("gray.jpg", quality=95)
    # Pillow inverts CMYK as Adobe does; OpenCV and Pillow convert back alike.
    rgb.convert("CMYK").save("cmyk.jpg", quality=95)
    exif = Image.Exif()
    exif[0x0112] = 6  # Turn clockwise by 90 degrees to view.
    rgb.save("exif6.jpg", quality=95, exif=exif)
    rgb.save("rgb.webp", quality=95)
    Image.fromarray(np.dstack([RGB, ALPHA])).save(
        "rgba_lossless.webp", lossless=True, exact=True)


def lcg(seed, count):
    """The stream of golden files: floor(256 u)."""
    values = np.empty(count, np.uint8)
    for k in range(count):
        seed = (1664525 * seed + 1013904223) % 2**32
        values[k] = seed >> 24
    return values


def write_pillow_cases():
    """Checksums of what Pillow's filters make of pseudo-random images."""
    sizes = [
        ((50, 37), (22, 24)),  # Shrink.
        ((22, 24), (50, 37)),  # Enlarge.
        ((61, 9), (13, 40)),   # One of each.
        ((40, 30), (40, 11)),  # Vertical pass only.
        ((40, 30), (11, 30)),  # Horizontal pass only.
        ((1, 1), (5, 4)),
        ((33, 17), (1, 1)),
        ((300, 5), (7, 3)),    # Many taps.
        ((7, 3), (7, 3)),
    ]
    filters = {"nearest": Image.NEAREST, "box": Image.BOX,
               "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
    cases = []
    for name, value in filters.items():
        for number, (source, target) in enumerate(sizes):
            for channels in (1, 3):
                seed = 100 * number + channels
                data = lcg(seed, source[0] * source[1] * channels)
                # Extremes make bicubic overshoot, which must be clipped.
                if number % 2: data = np.where(data < 128, 0, 255).astype(np.uint8)
                shape = (source[1], source[0], channels)
                image = Image.fromarray(data.reshape(shape).squeeze(axis=2)
                                        if channels == 1 else data.reshape(shape))
                result = np.asarray(image.resize(target, value))
                cases.append({
                    "filter": name, "seed": seed, "extremes": bool(number % 2),
                    "channels": channels, "from": source, "to": target,
                    "crc32": zlib.crc32(result.tobytes())})
    with open("pillow.json", "w") as f:
        f.write('{"cases": [\n%s\n]}\n' %
                ",\n".join(json.dumps(case) for case in cases))


def write_expected():
    """What Pillow decodes from the photographs, to compare within a tolerance."""
    expected = {name: np.asarray(Image.open(name).convert("RGB")).ravel().tolist()
                for name in ("rgb.jpg", "progressive.jpg", "gray.jpg", "cmyk.jpg",
                             "exif6.jpg", "rgb.webp")}
    with open("decoded.json", "w") as f:
        f.write("{\n%s\n}\n" % ",\n".join(
            '"%s": %s' % (k, json.dumps(v)) for k, v in expected.items()))


write_images()
write_pillow_cases()
write_expected()
