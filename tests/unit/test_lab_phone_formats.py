"""Digest, SDP, RTP, A-law and tones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import MalformedMessage, PhoneError
from gateway.lab.phones import audio, sdp, sip_auth
from gateway.lab.phones.rtp import RtpWriter, unpack
from gateway.lab.phones.sip_message import Headers, Response


def challenge(value: str, header: str = "www-authenticate") -> sip_auth.Challenge:
    return sip_auth.challenge_of(Response(Headers([(header, value)]), status=401))


RFC2617 = (
    'Digest realm="testrealm@host.com", qop="auth,auth-int", '
    'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)


def test_digest_is_that_of_rfc_2617_section_3_5() -> None:
    proof = sip_auth.answer(
        challenge(RFC2617), "GET", "/dir/index.html", "Mufasa", "Circle Of Life", "0a4f113b"
    )
    assert 'response="6629fae49393a05397450978507c4ef1"' in proof
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in proof
    assert "qop=auth, nc=00000001" in proof


def test_digest_without_qop_sends_no_cnonce() -> None:
    asked = challenge('Digest realm="r", nonce="n"', "proxy-authenticate")
    proof = sip_auth.answer(asked, "REGISTER", "sip:h", "u", "p")
    assert asked.answer_header == "proxy-authorization"
    assert "cnonce" not in proof


def test_the_md5_challenge_is_chosen_among_several() -> None:
    headers = Headers(
        [
            ("www-authenticate", 'Digest realm="a", nonce="1", algorithm=SHA-256'),
            ("www-authenticate", 'Digest realm="b", nonce="2", algorithm=MD5'),
        ]
    )
    assert sip_auth.challenge_of(Response(headers, status=401)).realm == "b"


def test_no_md5_challenge_is_said_with_the_remedy() -> None:
    with pytest.raises(PhoneError, match="md5"):
        challenge('Digest realm="a", nonce="1", algorithm=SHA-256')


def test_an_offer_is_read_as_it_was_meant() -> None:
    read = sdp.parse(sdp.build("127.0.0.1", 4000, session_id=1, version=1))
    assert read == sdp.MediaDescription("127.0.0.1", 4000, (8, 101), 101)
    assert read.takes_alaw
    assert read.wants_audio


def test_the_answer_keeps_the_offers_event_type_and_mirrors_hold() -> None:
    offer = sdp.MediaDescription("127.0.0.1", 4000, (8, 96), 96, "sendonly")
    answer = sdp.parse(sdp.build("127.0.0.1", 4002, session_id=1, version=2, remote=offer))
    assert (answer.event_type, answer.direction) == (96, "recvonly")
    assert not offer.wants_audio


def test_session_level_address_and_other_streams() -> None:
    body = (
        "v=0\r\nc=IN IP4 127.0.0.2\r\nm=video 9 RTP/AVP 99\r\nc=IN IP4 127.0.0.3\r\n"
        "m=audio 4000 RTP/AVP 0 8\r\na=inactive\r\nm=audio 5000 RTP/AVP 8\r\na=sendrecv\r\n"
    )
    read = sdp.parse(body.encode())
    assert (read.host, read.port, read.event_type) == ("127.0.0.2", 4000, None)
    assert not read.wants_audio


@pytest.mark.parametrize("body", [b"", b"v=0\r\nm=audio x RTP/AVP 8\r\n", b"m=audio 1 RTP/AVP 8"])
def test_unusable_sdp_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        sdp.parse(body)


def test_rtp_packets_count_up_and_keep_their_timestamp_until_advanced() -> None:
    writer = RtpWriter()
    first, second = (unpack(writer.pack(8, b"x" * 160)) for _ in range(2))
    writer.advance()
    third = unpack(writer.pack(101, b"evnt", marker=True))
    assert first is not None
    assert second is not None
    assert third is not None
    assert (second.seq - first.seq) & 0xFFFF == 1
    assert second.timestamp == first.timestamp
    assert (third.timestamp - first.timestamp) & 0xFFFFFFFF == 160
    assert (third.marker, third.payload_type, first.marker) == (True, 101, False)
    assert first.payload == b"x" * 160


def test_rtp_extension_sources_and_padding_are_skipped() -> None:
    header = bytes([0x80 | 0x20 | 0x10 | 1, 8]) + bytes(10) + b"csrc" + b"\0\0\0\1" + b"extn"
    packet = unpack(header + b"sound" + b"\0\0\3")
    assert packet is not None
    assert packet.payload == b"sound"


def test_rtcp_is_not_rtp() -> None:
    assert unpack(bytes([0x80, 200]) + bytes(26)) is None


@given(st.binary(max_size=64))
def test_any_datagram_is_rtp_or_none(data: bytes) -> None:
    packet = unpack(data)
    assert packet is None or len(packet.payload) <= len(data) - 12


def test_alaw_values_of_g711() -> None:
    # Table 1a of G.711: the least and the greatest value of either sign, even bits inverted.
    codes = bytes([0xD5, 0x55, 0xAA, 0x2A])
    assert audio.decode(codes).tolist() == [8, -8, 32256, -32256]


def test_alaw_survives_encode_after_decode() -> None:
    codes = bytes(range(256))
    assert audio.encode(audio.decode(codes)) == codes


@given(st.integers(-32768, 32767))
def test_alaw_is_within_its_step(sample: int) -> None:
    back = int(audio.decode(audio.encode(np.array([sample])))[0])
    assert abs(back - sample) <= max(16, abs(sample) / 16)


def test_a_tone_is_told_from_its_neighbours_and_from_noise() -> None:
    tone = audio.Tone(440)
    pcm = audio.decode(b"".join(tone.next_frame() for _ in range(10)))
    assert audio.tone_share(pcm, 440) > 0.95
    assert audio.tone_share(pcm, 470) < 0.05
    noise = np.random.default_rng(1).integers(-8000, 8000, 1600).astype(np.int16)
    assert audio.tone_share(noise, 440) < 0.05
    assert audio.tone_share(np.zeros(1600, dtype=np.int16), 440) == 0.0


def test_a_tone_loops_without_a_click() -> None:
    tone = audio.Tone(437)
    pcm = audio.decode(b"".join(tone.next_frame() for _ in range(100))).astype(int)
    assert abs(np.diff(pcm)).max() < 2 * np.pi * 437 / 8000 * 8000 * 1.2


def test_a_recording_is_filled_up_with_silence_and_ends() -> None:
    source = audio.Recording(b"\x01" * 200)
    assert source.next_frame() == b"\x01" * 160
    assert source.next_frame() == b"\x01" * 40 + audio.SILENCE[40:]
    assert source.next_frame() is None
