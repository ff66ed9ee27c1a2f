"""A decoder of Mapbox Vector Tiles written from the specification (2.1) alone, for tests of the encoder."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Feature:
    id: int
    kind: int
    properties: dict[str, Any]
    parts: list[list[tuple[int, int]]]
    closed: list[bool]


@dataclass
class Layer:
    name: str = ""
    version: int = 1
    extent: int = 4096
    features: list[Feature] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)


def number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(data):
        tag, at = number(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = number(data, at)
        elif wire == 1:
            value, at = data[at : at + 8], at + 8
        elif wire == 2:
            length, at = number(data, at)
            value, at = data[at : at + length], at + length
            assert len(value) == length
        elif wire == 5:
            value, at = data[at : at + 4], at + 4
        else:
            raise AssertionError(f"wire type {wire}")
        yield tag >> 3, value


def packed(data: bytes) -> list[int]:
    at, out = 0, []
    while at < len(data):
        value, at = number(data, at)
        out.append(value)
    return out


def zigzag(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


def value_of(data: bytes) -> Any:
    ((kind, value),) = fields(data)
    match kind:
        case 1:
            return value.decode()
        case 2:
            return struct.unpack("<f", value)[0]
        case 3:
            return struct.unpack("<d", value)[0]
        case 6:
            return zigzag(value)
        case 7:
            return bool(value)
        case _:
            return value


def geometry(commands: list[int]) -> tuple[list[list[tuple[int, int]]], list[bool]]:
    parts: list[list[tuple[int, int]]] = []
    closed: list[bool] = []
    x = y = at = 0
    while at < len(commands):
        command, count = commands[at] & 7, commands[at] >> 3
        at += 1
        assert count > 0
        if command == 7:
            assert count == 1
            closed[-1] = True
            continue
        assert command in (1, 2)
        for _ in range(count):
            x, y, at = x + zigzag(commands[at]), y + zigzag(commands[at + 1]), at + 2
            if command == 1:
                parts.append([(x, y)])
                closed.append(False)
            else:
                assert (x, y) != parts[-1][-1], "a LineTo must not stay where it is"
                parts[-1].append((x, y))
    return parts, closed


def decode(data: bytes) -> dict[str, Layer]:
    layers: dict[str, Layer] = {}
    for kind, body in fields(data):
        assert kind == 3
        layer, raw = Layer(), []
        for name, value in fields(body):
            match name:
                case 15:
                    layer.version = value
                case 1:
                    layer.name = value.decode()
                case 2:
                    raw.append(value)
                case 3:
                    layer.keys.append(value.decode())
                case 4:
                    layer.values.append(value_of(value))
                case 5:
                    layer.extent = value
        for one in raw:
            given = dict(fields(one))
            tags = packed(given.get(2, b""))
            properties = {layer.keys[k]: layer.values[v] for k, v in zip(tags[::2], tags[1::2], strict=True)}
            layer.features.append(Feature(given[1], given[3], properties, *geometry(packed(given[4]))))
        assert layer.name not in layers, "layer names must be unique within a tile"
        layers[layer.name] = layer
    return layers


def area(ring: list[tuple[int, int]]) -> float:
    """Surveyor's formula: positive is what the specification wants of exterior rings (y down)."""
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)) / 2
