"""Files packed by Zstandard (RFC 8878), read as a stream that tells whether they are whole."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, Any

import zstandard

MAX_WINDOW = 1 << 27
"""Bytes that a .zst may refer back to."""
_PIECE = 512


class _Zst(io.RawIOBase):
    """A .zst file, of one frame or several; the stream reader of zstandard takes a file that is cut off for a whole one.

    It is fed in small pieces: each of them can unpack to no more than a few megabytes.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._unpack = self._new()
        self._ready = memoryview(b"")
        self._inside = False

    @staticmethod
    def _new() -> Any:
        return zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            packed = self._file.read(_PIECE)
            if not packed:
                if self._inside:
                    raise EOFError
                return 0
            self._ready = memoryview(self._unpacked(packed))
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _unpacked(self, packed: bytes) -> bytes:
        made = b""
        while packed:
            made += self._unpack.decompress(packed)
            self._inside = not self._unpack.eof
            packed = b"" if self._inside else self._unpack.unused_data
            if not self._inside:
                self._unpack = self._new()
        return made

    def close(self) -> None:
        self._file.close()
        super().close()


def open_zst(path: Path) -> IO[bytes]:
    """The decompressed bytes of *path*. Reading raises EOFError where it is cut off, ZstdError where it is damaged."""
    return io.BufferedReader(_Zst(path))
