#!/usr/bin/env python3
"""Reads QR codes, as lines of half blocks with an empty line behind each, from standard input, and prints their texts, a line each."""
import re
import sys

import zxingcpp

SCALE = 3


def pixels(lines):
    """Rows of bytes, 255 for light."""
    for line in lines:
        for glyphs in ("█▀", "█▄"):
            row = b"".join((b"\xff" if glyph in glyphs else b"\0") * SCALE for glyph in line)
            for _ in range(SCALE):
                yield row


for block in re.sub("\x1b\\[[0-9;]*m", "", sys.stdin.read()).split("\n\n"):
    lines = [line for line in block.split("\n") if line]
    if not lines:
        continue
    rows = list(pixels(lines))
    image = memoryview(b"".join(rows)).cast("B", shape=[len(rows), len(rows[0])])
    print(*(code.text for code in zxingcpp.read_barcodes(image)))
