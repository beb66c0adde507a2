"""What an answer means and when to try again."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.settings import OrdersSettings
from gateway.tickets.retry import LONGEST_WAIT_S, Outcome, judge, parse_retry_after, wait

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, "delivered"), (202, "delivered"), (204, "delivered"),
        (301, "retry"), (408, "retry"), (425, "retry"), (429, "retry"), (500, "retry"),
        (503, "retry"), (599, "retry"),
        (401, "retry"), (403, "retry"), (404, "retry"), (405, "retry"), (407, "retry"),
        (421, "retry"), (451, "retry"),
        (400, "dead"), (413, "dead"), (415, "dead"), (422, "dead"),
        (410, "gone"),
    ],
)  # fmt: skip
def test_verdict(status, verdict):
    assert judge(status, None, NOW).verdict == verdict


def test_error_names_the_status():
    assert judge(503, None, NOW).error == "503 Service Unavailable"
    assert judge(599, None, NOW).error == "599"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None), ("", None), ("soon", None), ("-5", None), ("0", 0), ("7", 7), (" 7 ", 7),
        ("Mon, 02 Mar 2026 09:00:30 GMT", 30), ("Mon, 02 Mar 2026 08:00:00 GMT", 0),
        ("Mon, 02 Mar 2026 09:00:30 -0000", 30), ("999999999", LONGEST_WAIT_S),
    ],
)  # fmt: skip
def test_retry_after(value, seconds):
    assert parse_retry_after(value, NOW) == seconds


def test_wait_grows_to_its_ceiling():
    orders = OrdersSettings(backoff_base_s=1, backoff_max_s=10)
    failed = Outcome("retry", 500)
    for attempts, ceiling in [(1, 1), (2, 2), (4, 8), (5, 10), (1000, 10)]:
        waits = [wait(failed, attempts, orders).total_seconds() for _ in range(300)]
        assert 0 <= min(waits) < ceiling / 2 < max(waits) <= ceiling


def test_retry_after_is_a_floor():
    orders = OrdersSettings(backoff_base_s=1, backoff_max_s=2)
    asked = Outcome("retry", 503, retry_after_s=60)
    assert wait(asked, 1, orders) >= timedelta(seconds=60)
