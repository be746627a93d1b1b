"""Which records of a set have something, as a bit for each: exact sums over several rules and data sets, an eighth of a byte a record."""

from __future__ import annotations


class RecordMarks:
    """Marks of records by their number.

    >>> one, two = RecordMarks(), RecordMarks()
    >>> one.mark(0); two.mark(0); two.mark(9)
    >>> one.join(two)
    >>> len(one)
    2
    """

    def __init__(self) -> None:
        self._bits = bytearray()

    def mark(self, number: int) -> None:
        """Mark the record *number*, counted from 0."""
        byte, bit = divmod(number, 8)
        if byte >= len(self._bits):
            self._bits.extend(bytes(byte + 1 - len(self._bits)))
        self._bits[byte] |= 1 << bit

    def join(self, other: RecordMarks) -> None:
        """Mark what *other* marks too: both are of the same records in the same order."""
        size = max(len(self._bits), len(other._bits))
        both = int.from_bytes(self._bits, "little") | int.from_bytes(other._bits, "little")
        self._bits = bytearray(both.to_bytes(size, "little"))

    def __len__(self) -> int:
        return int.from_bytes(self._bits, "little").bit_count()
