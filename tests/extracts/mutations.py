"""Ways in which a file gets broken on its way, each by a seeded chance: for the fuzzer of the readers."""

import gzip
import io
import random
import unicodedata
import zipfile
from collections.abc import Callable

Mutation = Callable[[bytes, random.Random], bytes]


def truncated(raw: bytes, chance: random.Random) -> bytes:
    return raw[: chance.randrange(len(raw) + 1)]


def bytes_flipped(raw: bytes, chance: random.Random) -> bytes:
    flipped = bytearray(raw)
    for _ in range(chance.randint(1, 12) if flipped else 0):
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
    return bytes(flipped)


def noise_inserted(raw: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(raw) + 1)
    return raw[:at] + chance.randbytes(chance.randint(1, 40)) + raw[at:]


def piece_repeated(raw: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.randrange(len(raw) + 1) for _ in range(2))
    return raw[:end] + raw[start:]


def line_inserted(raw: bytes, chance: random.Random) -> bytes:
    lines = raw.split(b"\n")
    odd = [b"", b";;;;;;;;", b'"', b"Cong I;;;;;;;5", b"\t\t", "Tổng cộng;;;;;;;;;;1".encode(), b"x" * 500]
    lines.insert(chance.randrange(len(lines) + 1), chance.choice([*odd, *lines]))
    return b"\n".join(lines)


def line_deleted(raw: bytes, chance: random.Random) -> bytes:
    lines = raw.split(b"\n")
    del lines[chance.randrange(len(lines))]
    return b"\n".join(lines)


def lines_shuffled(raw: bytes, chance: random.Random) -> bytes:
    lines = raw.split(b"\n")
    chance.shuffle(lines)
    return b"\n".join(lines)


def column_deleted(raw: bytes, chance: random.Random) -> bytes:
    gone = chance.randrange(8)
    lines = [line.split(b";") for line in raw.split(b"\n")]
    return b"\n".join(b";".join(cells[:gone] + cells[gone + 1 :]) for cells in lines)


def delimiter_swapped(raw: bytes, chance: random.Random) -> bytes:
    return raw.replace(b";", chance.choice([b",", b"\t", b"|", b";;", b" ", b'";"']))


def encoding_swapped(raw: bytes, chance: random.Random) -> bytes:
    text = raw.decode("utf-8", errors="replace")
    form = chance.choice(["NFC", "NFD", "NFKD"])
    codec = chance.choice(
        ["utf-16", "utf-16-be", "cp1258", "cp1252", "latin-1", "utf-8-sig", "utf-32", "cp1251"]
    )
    return unicodedata.normalize(form, text).encode(codec, errors="replace")


def packed(raw: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.5:
        return gzip.compress(raw)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(chance.randint(0, 3)):
            archive.writestr(f"{number}.csv", raw)
    return buffer.getvalue()


def wrapped_in_a_page(raw: bytes, chance: random.Random) -> bytes:
    tags = ["<table>", "<tr>", "<td>", "</td>", "</table>", "<td colspan=99999>", "<td rowspan='9'>", "<br>",
            "<!--", "<script>", "&nbsp;", "<td x:num='1e9'>", "<table><table>"]  # fmt: skip
    lines = raw.decode("utf-8", errors="replace").split("\n")
    rows = "".join(f"<tr>{''.join(f'<td>{cell}' for cell in line.split(';'))}</tr>" for line in lines)
    at = chance.randrange(len(rows) + 1)
    return f"<html><table>{rows[:at]}{chance.choice(tags)}{rows[at:]}</table>".encode()


MUTATIONS: tuple[Mutation, ...] = (
    truncated, bytes_flipped, noise_inserted, piece_repeated, line_inserted, line_deleted, lines_shuffled,
    column_deleted, delimiter_swapped, encoding_swapped, packed, wrapped_in_a_page,
)  # fmt: skip


def mutate(raw: bytes, seed: int) -> bytes:
    """``raw`` broken in one to three ways, the same ones for a seed."""
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 3)):
        raw = chance.choice(MUTATIONS)(raw, chance)
    return raw
