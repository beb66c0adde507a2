"""RFC 4733 keys tick by tick, the beat they go by, and what a listener makes of them."""

import asyncio
import time

import pytest

from gateway.errors import PhoneError, PhoneTimeout
from gateway.lab.phones import audio
from gateway.lab.phones.dtmf import EventPacket, KeySender, decode_event, encode_event
from gateway.lab.phones.heard import Heard
from gateway.lab.phones.rtp import RtpPacket
from gateway.lab.phones.stamp import Stamp, stamp
from gateway.lab.phones.ticker import Ticker


def run(sender: KeySender, ticks: int) -> list[EventPacket | None]:
    packets = []
    for tick in range(ticks):
        packet = sender.next_packet(1000 + 160 * tick)
        if packet and packet.first_end:
            sender.sent_end(Stamp(tick, tick))
        packets.append(packet)
    return packets


async def test_one_key_grows_and_ends_three_times() -> None:
    sender = KeySender()
    pressed = sender.press("5", tone_ms=100, gap_ms=80)
    packets = run(sender, 9)
    events = [decode_event(p.payload) for p in packets if p]
    assert [e.duration for e in events if e] == [160, 320, 480, 640, 800, 800, 800]
    assert [e.end for e in events if e] == [False] * 4 + [True] * 3
    assert {p.timestamp for p in packets if p} == {1000}
    assert [p.marker for p in packets if p] == [True] + [False] * 6
    assert packets[7:] == [None, None]
    assert (await pressed).at == Stamp(4, 4)


async def test_the_next_key_starts_after_the_gap_with_a_new_timestamp() -> None:
    sender = KeySender()
    pressed = sender.press("*1", tone_ms=100, gap_ms=80)
    packets = run(sender, 18)
    starts = [tick for tick, p in enumerate(packets) if p and p.marker]
    assert starts == [0, 9]
    assert packets[9] is not None
    assert packets[9].timestamp == 1000 + 9 * 160
    assert [end.mono_ns for end in (await pressed).ends] == [4, 13]


async def test_short_and_odd_times_are_rounded_up() -> None:
    sender = KeySender()
    pressed = sender.press("12", tone_ms=50, gap_ms=0)
    packets = run(sender, 10)
    assert [tick for tick, p in enumerate(packets) if p and p.marker] == [0, 5]
    assert (await pressed).digits == "12"


async def test_presses_wait_for_each_other() -> None:
    sender = KeySender()
    first, second = sender.press("1", 20, 40), sender.press("2", 20, 40)
    run(sender, 6)
    assert (await first).at.mono_ns < (await second).at.mono_ns


@pytest.mark.parametrize("digits", ["", "x", "1 2", "①"])
async def test_unknown_keys_are_refused(digits: str) -> None:
    with pytest.raises(PhoneError, match="keys are"):
        KeySender().press(digits, 100, 80)


async def test_keys_not_out_when_the_call_ends_are_an_error() -> None:
    sender = KeySender()
    pressed = sender.press("12", 100, 80)
    run(sender, 2)
    sender.close()
    with pytest.raises(PhoneError, match="before 12 was out"):
        await pressed
    assert sender.next_packet(0) is None


def test_payloads_that_are_no_key_are_ignored() -> None:
    assert decode_event(b"\x01") is None
    assert decode_event(bytes([16, 0, 0, 0])) is None


def packet(seq: int, payload: bytes = audio.SILENCE, ssrc: int = 1) -> RtpPacket:
    return RtpPacket(8, False, seq, seq * 160, ssrc, payload)


def test_a_key_heard_three_times_over_is_one_key() -> None:
    heard = Heard()
    for duration in (1, 2, 3, 3, 3):
        event = decode_event(encode_event("#", duration == 3, duration))
        assert event is not None
        heard.add_event(packet(7), event, stamp())
    assert heard.digits == "#"
    assert heard.keys[0].duration_ms == 60


def test_gaps_and_loudness() -> None:
    heard = Heard()
    now = stamp()
    loud = audio.Tone(440)
    for seq, ms in enumerate((0, 20, 40, 160, 180)):
        at = Stamp(now.mono_ns - int((180 - ms) * 1e6), now.wall_ns)
        heard.add_audio(packet(seq, loud.next_frame()), at)
    assert heard.largest_gap_ms() == pytest.approx(120)
    assert heard.largest_gap_ms(since=heard.packets[3].at) == pytest.approx(20)
    assert heard.rms(1000) == pytest.approx(8000 / 2**0.5, rel=0.05)
    assert heard.hears_tone(440, window_ms=190)
    assert not heard.hears_tone(440, window_ms=1000), "most of the window is missing"


def test_only_the_last_two_minutes_are_kept() -> None:
    heard = Heard()
    for seq in range(6100):
        heard.add_audio(packet(seq), stamp())
    assert (len(heard.packets), heard.received) == (6000, 6100)


async def test_waiting_in_vain_says_what_was_heard() -> None:
    heard = Heard()
    with pytest.raises(PhoneTimeout, match=r"440 Hz tone in 0.01 s: 0 packets"):
        await heard.until_hears(440, timeout_s=0.01)


class Counter:
    def __init__(self, wanted: int) -> None:
        self.ticks = 0
        self.wanted = wanted
        self.reached = asyncio.Event()

    def tick(self) -> None:
        self.ticks += 1
        if self.ticks >= self.wanted:
            self.reached.set()


async def test_beats_missed_while_the_loop_was_held_are_made_up() -> None:
    ticker, counter = Ticker(), Counter(22)
    began = asyncio.get_running_loop().time()
    ticker.add(counter)
    time.sleep(0.4)  # noqa: ASYNC251 - holding the loop is what is tested
    await counter.reached.wait()
    ticker.remove(counter)
    took = asyncio.get_running_loop().time() - began
    assert 0.44 <= took < 0.7, "without making up it would be 0.82 s"
    assert ticker.latest_ms >= 370
    assert ticker.skipped == 0


async def test_a_ticker_without_members_rests() -> None:
    ticker, counter = Ticker(), Counter(1)
    ticker.add(counter)
    await counter.reached.wait()
    ticker.remove(counter)
    ticker.remove(counter)
    ticks = counter.ticks
    again = Counter(2)
    ticker.add(again)
    await again.reached.wait()
    ticker.remove(again)
    assert counter.ticks == ticks
