"""Mutations of known inputs: what a fuzzer does where none that watches the code's branches is installed."""

import random
import struct
from collections.abc import Sequence

_NUMBERS = (0, 1, 2, 127, 128, 255, 256, 32767, 65535, 65536, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 20)
_FLOATS = (0.0, -0.0, 1e-320, 1e308, -1e308, float("inf"), float("-inf"), float("nan"), 2.0**53, 1e9)


def mutated(chance: random.Random, known: Sequence[bytes], words: Sequence[bytes], longest: int = 1 << 16) -> bytes:
    """Return one of the known inputs with one to eight changes, at most `longest` bytes of it.

    Args:
        chance: where all choices come from: the same seed makes the same inputs.
        known: at least one input.
        words: pieces to put in.
        longest: bytes.
    """
    data = bytearray(chance.choice(known))
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5, 8))):
        _change(chance, data, known, words)
    return bytes(data[:longest])


def _change(chance: random.Random, data: bytearray, known: Sequence[bytes], words: Sequence[bytes]) -> None:
    at = chance.randrange(len(data) + 1)
    end = min(len(data), at + chance.choice((1, 1, 2, 4, 8, 16, 64, 400)))
    match chance.randrange(10):
        case 0 if at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        case 1 if at < len(data):
            data[at] = chance.randrange(256)
        case 2:
            del data[at:end]
        case 3:
            data[at:at] = data[at:end] * chance.choice((1, 2, 10))
        case 4:
            number = struct.pack(chance.choice("<>") + "I", chance.choice(_NUMBERS))
            data[at : at + 4] = number
        case 5:
            number = struct.pack(chance.choice("<>") + "d", chance.choice(_FLOATS))
            data[at : at + 8] = number
        case 6 if words:
            data[at : at if chance.random() < 0.5 else end] = chance.choice(words)
        case 7:
            other = chance.choice(known)
            begin = chance.randrange(len(other) + 1)
            data[at:end] = other[begin : begin + chance.choice((1, 8, 64, 400))]
        case 8:
            data[at:at] = chance.randbytes(chance.choice((1, 2, 8, 30)))
        case _:
            del data[at:]
