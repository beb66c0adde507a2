"""A model directory of a few bytes that has everything a whole one has, but sense."""

import struct
from pathlib import Path

ACOUSTIC = (
    b"\0B<TransitionModel> <Nnet3> \ninput-node name=input dim=40\n\n"
    b"</Nnet3> <LeftContext> \x04" + struct.pack("<i", 18) + b"<RightContext> \x04"
    b"" + struct.pack("<i", 18) + b"<Priors> FV \x04" + struct.pack("<i", 0)
)


def const_fst(states: int = 3, arcs: int = 2) -> bytes:
    """An FST of type const, without symbols, as OpenFst writes it."""
    return _header("const", states, arcs) + bytes(states * 20 + arcs * 16)


def vector_fst(arcs: tuple[int, ...] = (1, 1, 0)) -> bytes:
    """An FST of type vector: so many arcs out of each state."""
    states = b"".join(bytes(4) + struct.pack("<q", n) + bytes(n * 16) for n in arcs)
    return _header("vector", len(arcs), 0) + states


def speaking_fst(words: tuple[str, ...] = ("<eps>", "好")) -> bytes:
    """A const FST with its words in it (output symbols)."""
    table = struct.pack("<i", 2125658996) + _name("words") + struct.pack("<qq", 9, len(words))
    table += b"".join(_name(word) + struct.pack("<q", at) for at, word in enumerate(words))
    return _header("const", 1, 0, flags=2) + table + bytes(20)


def lookahead_fst() -> bytes:
    """An FST of type olabel_lookahead: a const one, and what is reachable from each state."""
    intervals = struct.pack("<q", 1) + struct.pack("<qiii", 1, 0, 2, 2)
    reachable = b"\0\1" + struct.pack("<qii", 1, 1, 1) + struct.pack("<i", -1) + intervals
    add_on = b"\1" + b"\1" + reachable + b"\0"
    magic = struct.pack("<i", 446681434)
    return _header("olabel_lookahead", -1, 0) + magic + const_fst() + add_on


def model_folder(at: Path, *, static: bool = False) -> Path:
    """Make it at `at`, with HCLG (`static`) or HCLr and Gr; return `at`."""
    files = {"am/final.mdl": ACOUSTIC, "conf/mfcc.conf": b"--num-ceps=40\n"}
    files |= {"conf/model.conf": b"--beam=13\n", "graph/words.txt": "<eps> 0\n好 1\n".encode()}
    if static:
        files["graph/HCLG.fst"] = vector_fst()
    else:
        files |= {"graph/HCLr.fst": lookahead_fst(), "graph/Gr.fst": const_fst()}
        files["graph/disambig_tid.int"] = b"3\n"
    for name, content in files.items():
        path = at / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return at


def _header(kind: str, states: int, arcs: int, flags: int = 0) -> bytes:
    types = _name(kind) + _name("standard")
    return (
        struct.pack("<i", 2125659606) + types + struct.pack("<iiQqqq", 2, flags, 0, 0, states, arcs)
    )


def _name(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<i", len(raw)) + raw
