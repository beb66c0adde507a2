"""Is a Kaldi acoustic model (final.mdl of nnet3) whole? It reads to its last token.

Source: Kaldi hmm/transition-model.cc, nnet3/nnet-nnet.cc and am-nnet-simple.cc, base/io-funcs.cc:
`<TransitionModel> ... <Nnet3> ... </Nnet3> <LeftContext> n <RightContext> n <Priors> vector`, where
a binary file begins with NUL B and a number is its size in one byte and then its bytes.
"""

import mmap
import struct
from pathlib import Path

_BINARY = b"\0B"
_BEGIN = b"<TransitionModel> "
_NET, _NET_END = b"<Nnet3> ", b"</Nnet3> "
_IVECTOR = b"input-node name=ivector "
_CONFIG_BYTES = 1 << 20
"""The network's configuration stands at its beginning; it is text, some kilobytes."""


def acoustic_problem(path: Path) -> str:
    """Say what is wrong with a final.mdl, or an empty string."""
    if path.stat().st_size == 0:
        return "is empty"
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        binary = data[:2] == _BINARY
        start = data[: len(_BEGIN) + 2].lstrip(_BINARY)
        if not start.startswith(_BEGIN.rstrip()):
            return "is no Kaldi acoustic model (it does not begin with <TransitionModel>)"
        end = data.rfind(_NET_END)
        if end < 0:
            return "is cut off: its end, </Nnet3>, is missing"
        tail = data[end + len(_NET_END) :]
    return _binary_tail(tail) if binary else _text_tail(tail)


def wants_ivectors(path: Path) -> bool:
    """Tell whether the network takes i-vectors, which then must lie in `ivector/`."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = data.find(_NET)
        return start >= 0 and data.find(_IVECTOR, start, start + _CONFIG_BYTES) >= 0


def _binary_tail(tail: bytes) -> str:
    cut = "is cut off after </Nnet3>"
    for token in (b"<LeftContext> ", b"<RightContext> "):
        if not tail.startswith(token + b"\x04") or len(tail) < len(token) + 5:
            return cut
        tail = tail[len(token) + 5 :]
    priors = b"<Priors> FV \x04"
    if not tail.startswith(priors) or len(tail) < len(priors) + 4:
        return cut
    (size,) = struct.unpack_from("<i", tail, len(priors))
    return "" if len(tail) - len(priors) - 4 >= size * 4 else f"is cut off in its {size} priors"


def _text_tail(tail: bytes) -> str:
    _, found, priors = tail.partition(b"<Priors>")
    return "" if found and b"]" in priors else "is cut off after </Nnet3>"
