"""YAML with line numbers, so that an error in a region file can say where it is."""

from pathlib import Path
from typing import Any

import yaml

from carbonmap.errors import RegionError

KeyPath = tuple[str | int, ...]
"""Where a value stands in a document: keys and list positions from the top."""

MAX_BYTES = 1_000_000
MAX_VALUES = 200_000
MAX_DEPTH = 40
"""What a region file may hold; the largest that ship stay a hundred times below."""


class YamlFile:
    """One parsed YAML document with the line of every key.

    Args:
        path: the file; UTF-8, with or without a byte order mark.

    Raises:
        RegionError: the file is missing, is not UTF-8, is not YAML, repeats a key, is not a mapping, or is far larger
            than any region file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: dict[KeyPath, int] = {}
        self._values = 0
        text = _text(path)
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as problem:
            raise RegionError(f"{path}: not valid YAML: {_first_line(problem)}") from None
        except RecursionError:
            raise RegionError(_too_deep(path)) from None
        if not isinstance(node, yaml.MappingNode):
            raise RegionError(f"{path}: expected a mapping of keys such as 'id:' and 'crs:', found {_kind(node)}")
        self._walk(node, ())
        try:
            self.data: dict[str, Any] = yaml.safe_load(text)
        except yaml.YAMLError as problem:
            raise RegionError(f"{path}: not valid YAML: {_first_line(problem)}") from None
        except (ValueError, OverflowError) as problem:  # 2023-13-45 is a date to YAML, and 5,000 digits are a number
            raise RegionError(
                f"{path}: a value reads as a date or a number in YAML, and is none: {problem}. Write texts in quotes"
            ) from None

    def line(self, path: KeyPath) -> int:
        """Give the line of a key, or of the nearest key above it that is in the file."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def _walk(self, node: yaml.Node, path: KeyPath) -> None:
        self._lines.setdefault(path, node.start_mark.line + 1)
        # An alias stands for all that its anchor holds: ten short lines of them can mean a billion values.
        self._values += 1
        if self._values > MAX_VALUES:
            raise RegionError(
                f"{self.path}: holds more than {MAX_VALUES:,} values, counting what its aliases stand for"
            )
        if len(path) > MAX_DEPTH:
            raise RegionError(_too_deep(self.path))
        if isinstance(node, yaml.MappingNode):
            for key_node, value_node in node.value:
                key: KeyPath = (*path, str(key_node.value))
                line = key_node.start_mark.line + 1
                if key in self._lines:
                    raise RegionError(
                        f"{self.path}, line {line}: key '{key_node.value}' is given twice (first on line "
                        f"{self._lines[key]}); keep one"
                    )
                self._lines[key] = line
                self._walk(value_node, key)
        elif isinstance(node, yaml.SequenceNode):
            for position, item in enumerate(node.value):
                self._walk(item, (*path, position))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:  # never more than can be a region file: a map of buildings is JSON, and so YAML
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise RegionError(
                f"{path} is larger than {MAX_BYTES // 1_000_000} MB; expected a region file in YAML, a few pages long"
            )
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise RegionError(f"{path}: no such file; expected a region file in YAML") from None
    except IsADirectoryError:
        raise RegionError(f"{path} is a folder; expected a region file in YAML, such as {path}/region.yaml") from None
    except UnicodeDecodeError as problem:
        raise RegionError(f"{path}: not UTF-8 text (byte {problem.start}); save the region file as UTF-8") from None


def _too_deep(path: Path) -> str:
    return f"{path}: nested deeper than {MAX_DEPTH} levels; does an alias (*name) stand inside its own anchor (&name)?"


def _first_line(problem: yaml.YAMLError) -> str:
    mark = getattr(problem, "problem_mark", None)
    what = getattr(problem, "problem", None) or str(problem).splitlines()[0]
    return f"line {mark.line + 1}, column {mark.column + 1}: {what}" if mark else str(what)


def _kind(node: yaml.Node | None) -> str:
    if node is None:
        return "an empty file"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a single value"
