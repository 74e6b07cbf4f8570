"""Messages written byte by byte, so that every encoding can be had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


class Wire:
    """A writer of protobuf's wire format."""

    @staticmethod
    def varint(number: int) -> bytes:
        number &= (1 << 64) - 1
        out = bytearray()
        while number >= 0x80:
            out.append(number & 0x7F | 0x80)
            number >>= 7
        return bytes([*out, number])

    def scalar(self, number: int, value: int) -> bytes:
        """A field of wire type 0."""
        return self.varint(number << 3) + self.varint(value)

    def block(self, number: int, *payload: bytes) -> bytes:
        """A field of wire type 2."""
        body = b"".join(payload)
        return self.varint(number << 3 | 2) + self.varint(len(body)) + body

    def shape(self, *dims: int) -> bytes:
        """A blob's shape, packed."""
        return self.block(7, self.block(1, *map(self.varint, dims)))

    def layer(self, name: str, *blobs: bytes, kind: str = "Convolution") -> bytes:
        """A layer of the current generation, as a field of a net."""
        head = self.block(1, name.encode()) + self.block(2, kind.encode())
        return self.block(100, head, *(self.block(7, blob) for blob in blobs))


@pytest.fixture(scope="session")
def wire() -> Wire:
    return Wire()


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., Path]:
    """A file with these bytes."""

    def write(data: bytes, name: str = "net.caffemodel") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write
