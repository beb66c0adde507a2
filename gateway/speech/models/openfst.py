"""Is an OpenFst file whole? Its header says how many states and arcs must follow.

Source: OpenFst 1.7 as Vosk 0.3.45 links it: fst.h (FstHeader), const-fst.h, vector-fst.h,
add-on.h, label-reachable.h, symbol-table.cc. Little endian, as on every machine Vosk runs on.
"""

import mmap
import struct
from pathlib import Path

_FST, _SYMBOLS, _ADD_ON = 2125659606, 2125658996, 446681434
_HAS_INPUT_SYMBOLS, _HAS_OUTPUT_SYMBOLS, _IS_ALIGNED = 1, 2, 4
_ARC, _CONST_STATE, _VECTOR_STATE = 16, 20, 12
"""Bytes of an arc (two labels, weight, next state) and of a state without its arcs."""
_ALIGNED_TO = 16
_LONGEST_NAME = 4096


class _Broken(Exception):
    """What is wrong, in words."""


def fst_problem(path: Path, *, thorough: bool = False) -> str:
    """Say what is wrong with the file, or an empty string.

    Cheap (a few reads) unless `thorough`: then the states of a vector FST are walked one by one.
    Types not known here (`ngram`) are only looked at as far as their header.
    """
    size = path.stat().st_size
    if size == 0:
        return "is empty"
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            _Reader(data, size).fst(thorough)
        except _Broken as error:
            return str(error)
    return ""


def has_output_symbols(path: Path) -> bool:
    """Tell whether words are in the FST itself; False too where it cannot be read."""
    with path.open("rb") as file:
        head = file.read(_LONGEST_NAME)
    reader = _Reader(head, len(head))
    try:
        return bool(reader.header()[1] & _HAS_OUTPUT_SYMBOLS)
    except _Broken:
        return False


class _Reader:
    def __init__(self, data: mmap.mmap | bytes, size: int) -> None:
        self.data = data
        self.size = size
        self.at = 0

    def fst(self, thorough: bool) -> None:
        """Step over one FST with its header."""
        kind, flags, version, states, arcs = self.header()
        for flag in (_HAS_INPUT_SYMBOLS, _HAS_OUTPUT_SYMBOLS):
            if flags & flag:
                self._symbols()
        if kind == "const":
            aligned = bool(flags & _IS_ALIGNED) or version == 1
            self._skip(states * _CONST_STATE, f"{states} states", aligned=aligned)
            self._skip(arcs * _ARC, f"{arcs} arcs", aligned=aligned)
        elif kind == "vector":
            self._vector(states, thorough)
        elif kind.endswith("_lookahead"):
            self._lookahead(thorough)

    def header(self) -> tuple[str, int, int, int, int]:
        """Return (type, flags, version, states, arcs)."""
        if self._take("<i", "header")[0] != _FST:
            raise _Broken("is no OpenFst file")
        kind, _arc_type = self._name(), self._name()
        version, flags = self._take("<ii", "header")
        _properties, _start, states, arcs = self._take("<Qqqq", "header")
        return kind, flags, version, states, arcs

    def _vector(self, states: int, thorough: bool) -> None:
        if states < 0 or not thorough:
            if self.at + states * _VECTOR_STATE > self.size:
                raise _Broken(f"is cut off: {states} states do not fit into {self.size} bytes")
            return
        unpack, at, size = struct.Struct("<q").unpack_from, self.at, self.size
        for state in range(states):
            if at + _VECTOR_STATE > size:
                raise _Broken(f"is cut off at state {state} of {states}")
            at += _VECTOR_STATE + unpack(self.data, at + 4)[0] * _ARC
        if at > size:
            raise _Broken("is cut off in its last state")
        self.at = at

    def _lookahead(self, thorough: bool) -> None:
        """An FST with what is reachable from each of its states (add-on.h, label-reachable.h)."""
        if self._take("<i", "add-on")[0] != _ADD_ON:
            raise _Broken("has no look-ahead data where its header says so")
        self.fst(thorough)
        if self._take("<?", "look-ahead data")[0]:
            for _ in range(2):
                if self._take("<?", "look-ahead data")[0]:
                    self._reachable()

    def _reachable(self) -> None:
        _input, relabelled = self._take("<??", "look-ahead data")
        if relabelled:
            self._skip(self._count() * 8, "look-ahead labels")
        self._take("<i", "look-ahead data")
        for _ in range(self._count()):
            self._skip(self._count() * 8 + 4, "look-ahead intervals")

    def _symbols(self) -> None:
        if self._take("<i", "symbol table")[0] != _SYMBOLS:
            raise _Broken("has no symbol table where its header says so")
        self._name()
        _next, size = self._take("<qq", "symbol table")
        for _ in range(size):
            self._name()
            self._skip(8, "symbol table")

    def _count(self) -> int:
        (count,) = self._take("<q", "look-ahead data")
        if count < 0:
            raise _Broken("has look-ahead data that make no sense")
        return int(count)

    def _name(self) -> str:
        (length,) = self._take("<i", "header")
        if not 0 <= length <= _LONGEST_NAME:
            raise _Broken("has a header that makes no sense")
        start = self.at
        self._skip(length, "header")
        return self.data[start : self.at].decode("utf-8", "replace")

    def _take(self, form: str, what: str) -> tuple[int, ...]:
        start = self.at
        self._skip(struct.calcsize(form), what)
        return struct.unpack_from(form, self.data, start)

    def _skip(self, length: int, what: str, *, aligned: bool = False) -> None:
        if aligned:
            self.at += -self.at % _ALIGNED_TO
        if length < 0:
            raise _Broken("has a header that makes no sense")
        self.at += length
        if self.at > self.size:
            raise _Broken(
                f"is cut off: {what} would need at least {self.at} bytes, it has {self.size}"
            )
