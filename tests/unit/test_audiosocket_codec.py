"""Frames survive any way TCP may cut them, and nonsense is refused by its header alone."""

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import FrameError
from gateway.media.audiosocket_codec import SILENCE, Decoder, Frame, FrameType, encode

UUID_TEXT = "40325ec2-5efd-4bd3-805f-53576e581d13"
FRAMES = st.one_of(
    st.builds(Frame, st.just(FrameType.UUID), st.binary(min_size=16, max_size=16)),
    st.builds(Frame, st.just(FrameType.DTMF), st.binary(min_size=1, max_size=1)),
    st.builds(
        Frame,
        st.just(FrameType.AUDIO_16K),
        st.binary(max_size=320).map(lambda pcm: pcm[: len(pcm) // 2 * 2]),
    ),
    st.builds(Frame, st.just(FrameType.HANGUP), st.just(b"")),
    st.builds(Frame, st.just(FrameType.ERROR), st.binary(max_size=1)),
)


@given(st.lists(FRAMES, max_size=8), st.lists(st.integers(1, 50), min_size=1, max_size=9))
def test_frames_survive_any_split(frames: list[Frame], cuts: list[int]) -> None:
    wire = b"".join(encode(frame.type, frame.payload) for frame in frames)
    decoder, got, at, turn = Decoder(), [], 0, 0
    while at < len(wire):
        step = cuts[turn % len(cuts)]
        got += decoder.feed(wire[at : at + step])
        at, turn = at + step, turn + 1
    assert got == frames


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_are_frames_or_refused(pieces: list[bytes]) -> None:
    decoder = Decoder()
    for piece in pieces:
        try:
            frames = decoder.feed(piece)
        except FrameError:
            return
        for frame in frames:
            assert frame.type in FrameType
            assert len(frame.payload) <= 0xFFFF


def test_a_length_that_lies_is_waited_for_in_bounds() -> None:
    decoder = Decoder()
    assert decoder.feed(bytes.fromhex("12fffe") + bytes(0xFFFD)) == []
    [audio] = decoder.feed(bytes(1))
    assert len(audio.payload) == 0xFFFE


def test_bytes_as_asterisk_22_sends_them() -> None:
    wire = bytes.fromhex("010010") + UUID(UUID_TEXT).bytes + bytes.fromhex("120280") + bytes(640)
    uuid, audio = Decoder().feed(wire)
    assert uuid.uuid == UUID_TEXT
    assert (audio.type, len(audio.payload)) == (FrameType.AUDIO_16K, 640)


def test_silence_is_20_ms_at_16_khz() -> None:
    assert bytes.fromhex("120280") + bytes(640) == SILENCE


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("100140", r"8 kHz audio; originate the tap with c\(slin16\)"),
        ("130280", "24 kHz"),
        ("160280", "48 kHz"),
        ("020006", "unknown frame type 0x02"),
        ("480000", "unknown frame type 0x48"),
        ("010011", "uuid of 17 bytes"),
        ("120281", "641 bytes"),
    ],
)
def test_nonsense_is_refused_before_its_payload(header: str, says: str) -> None:
    with pytest.raises(FrameError, match=says):
        Decoder().feed(bytes.fromhex(header))


def test_a_payload_too_long_for_a_frame() -> None:
    with pytest.raises(FrameError, match="at most 65535"):
        encode(FrameType.AUDIO_16K, bytes(65536))
