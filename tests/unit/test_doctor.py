"""Parsers of console output, and what is checked beside the PBX."""

import http.server
import queue
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from gateway.errors import SwitchRefused, SwitchTimeout, SwitchUnreachable
from gateway.ledger.repository import Ledger
from gateway.settings import (
    CentreSettings,
    LedgerSettings,
    OrdersSettings,
    RedisSettings,
    Settings,
    SpeechSettings,
    SwitchSettings,
)
from gateway.speech.models.registry import DEMO
from gateway.telephony import doctor, doctor_services
from gateway.telephony import doctor_parse as parse
from gateway.telephony.doctor_dialplan import check_way_in
from gateway.telephony.doctor_services import (
    check_ledger,
    check_orders,
    check_redis,
    check_speech_model,
)
from gateway.telephony.doctor_witness import AmiWitness
from tests.unit.model_folder import model_folder

SECRET = SecretStr("whsec_" + "bGlhbmRvbmctdGVzdC1zZWNyZXQtMDEyMzQ1")


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@given(st.lists(st.text(alphabet="abc${}^| ", max_size=8), min_size=1, max_size=6))
def test_arguments_are_what_was_joined_with_commas(parts):
    balanced = [part.replace("{", "").replace("}", "") for part in parts]
    assert parse.arguments(",".join(balanced)) == balanced


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("110,cF(room^left^1),,,300", ["110", "cF(room^left^1)", "", "", "300"]),
        ("s,1(a,b)", ["s", "1(a,b)"]),
        ('x,"a,b",c', ["x", '"a,b"', "c"]),
        ("", [""]),
    ],
)
def test_arguments_stay_together_in_parentheses_and_quotes(text, expected):
    assert parse.arguments(text) == expected


def test_options_have_their_own_arguments():
    assert parse.options("cF(a^b^1)tU(x)") == {"c": "", "F": "a^b^1", "t": "", "U": "x"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("22.10.1+dfsg", (22, 10, 1)), ("20.0", (20, 0, 0)), ("GIT-master-1a", None), ("", None)],
)
def test_version(text, expected):
    assert parse.version(text) == expected


def test_dialplan_keeps_labels_includes_and_a_context_shown_twice():
    plan = parse.dialplan(
        [
            "[ Context 'in' created by 'pbx_config' ]",
            "  's' =>            1. Set(A=[b])                    [extensions.conf:1]",
            "     [done]         2. Return()                      [extensions.conf:2]",
            "  '_X.' (CID match '1') =>  1. Hangup()              [extensions.conf:3]",
            "  Include =>        'other'                          [pbx_config]",
            "[ Context 'in' created by 'features' ]",
            "  'parked' =>       1. Park()                        [features]",
        ]
    )
    assert list(plan["in"].extensions) == ["s", "_X.", "parked"]
    assert [(s.app, s.args) for s in plan["in"].extensions["s"]] == [
        ("Set", "A=[b]"),
        ("Return", ""),
    ]
    assert plan["in"].includes == ["other"]


def test_features_with_long_names_and_missing_codes():
    builtin, dynamic = parse.features(
        [
            "Builtin Feature           Default Current",
            "---------------           ------- -------",
            "Pickup                    *8      *8",
            "Park Call",
            "Dynamic Feature           Default Current",
            "a_feature_with_a_name_beyond_its_column no def  *77",
            "Feature Groups:",
            "===> Group: ld",
        ]
    )
    assert builtin == {"Pickup": "*8", "Park Call": ""}
    assert dynamic == {"a_feature_with_a_name_beyond_its_column": "*77"}


def test_redis_that_is_not_there_is_a_failure_with_a_remedy(closed_port):
    found = check_redis(RedisSettings(url=f"redis://127.0.0.1:{closed_port}/0"))
    assert (found.status, bool(found.remedy)) == ("fail", True)


def test_redis_address_that_is_none():
    assert check_redis(RedisSettings(url="nonsense")).status == "fail"


def test_looking_for_a_ledger_does_not_make_one(tmp_path):
    file = tmp_path / "ledger.sqlite3"
    found = check_ledger(LedgerSettings(url=f"sqlite+aiosqlite:///{file}"))
    assert (found.status, file.exists()) == ("warn", False)


async def test_a_ledger_is_known_by_its_schema(tmp_path):
    import asyncio

    url = f"sqlite+aiosqlite:///{tmp_path / 'ledger.sqlite3'}"
    (tmp_path / "ledger.sqlite3").touch()
    empty = await asyncio.to_thread(check_ledger, LedgerSettings(url=url))
    assert (empty.status, "empty" in empty.detail) == ("warn", True)
    ledger = Ledger(url)
    await ledger.prepare()
    await ledger.close()
    assert (await asyncio.to_thread(check_ledger, LedgerSettings(url=url))).status == "ok"


@pytest.mark.parametrize(
    "url", ["sqlite+aiosqlite:////nowhere/at/all.sqlite3", "nonsense", "mysql+nothing://x/y"]
)
def test_a_ledger_that_cannot_be_is_a_failure(url):
    assert check_ledger(LedgerSettings(url=url)).status == "fail"


def test_a_model_that_is_not_there(tmp_path: Path):
    found = check_speech_model(SpeechSettings(model_dir=tmp_path / "none"))
    assert found.status == "fail"
    assert "model_dir" in found.remedy


def test_the_demo_model_is_no_model_for_callers(tmp_path: Path):
    model = model_folder(tmp_path / DEMO)
    found = check_speech_model(SpeechSettings(model_dir=model))
    assert (found.status, "models pull" in found.remedy) == ("warn", True)
    assert (
        check_speech_model(SpeechSettings(model_dir=model.rename(tmp_path / "own"))).status == "ok"
    )


class _Orders(http.server.BaseHTTPRequestHandler):
    status = 405

    def do_HEAD(self):
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def orders_url():
    with http.server.HTTPServer(("127.0.0.1", 0), _Orders) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/tickets"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "expected"), [(405, "ok"), (200, "ok"), (503, "warn")])
def test_an_order_system_that_answers(orders_url, monkeypatch, status, expected):
    monkeypatch.setattr(_Orders, "status", status)
    assert check_orders(OrdersSettings(url=orders_url, secret=SECRET)).status == expected


def test_an_order_system_is_asked_the_way_delivery_asks_it(orders_url, closed_port, monkeypatch):
    """Delivery goes straight there, so an ambient proxy must not answer for it, nor fail it."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert check_orders(OrdersSettings(url=orders_url, secret=SECRET)).status == "ok"


def test_an_order_system_that_does_not(closed_port):
    url = f"http://127.0.0.1:{closed_port}/tickets"
    assert check_orders(OrdersSettings(url=url, secret=SECRET)).status == "fail"
    assert check_orders(OrdersSettings()).status == "warn"


def test_a_secret_that_cannot_sign_is_told_before_anything_is_sent(orders_url):
    found = check_orders(OrdersSettings(url=orders_url, secret=SecretStr("")))
    assert found.status == "fail"
    assert "whsec_" in found.remedy


def test_a_pbx_that_is_not_there_is_one_finding(closed_port, monkeypatch):
    switch = SwitchSettings(port=closed_port)
    with pytest.raises(SwitchUnreachable), AmiWitness(switch):
        pass
    monkeypatch.setattr(doctor_services, "TIMEOUT_S", 0.5)
    redis = RedisSettings(url=f"redis://127.0.0.1:{closed_port}")
    found = doctor.examine(Settings(switch=switch, redis=redis))
    ami = [finding for finding in found if finding.name.startswith("AMI")]
    assert [finding.status for finding in ami] == ["fail"]
    assert str(closed_port) in ami[0].detail


class _Peer(threading.Thread):
    """Accepts one connection and answers each message with `reply`."""

    def __init__(self, reply: str):
        super().__init__()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.reply = reply

    def run(self):
        conn, _ = self.listener.accept()
        with conn:
            conn.sendall(b"Asterisk Call Manager/11.0.0\r\n")
            while data := conn.recv(65536):
                if self.reply:
                    action_id = data.decode().split("ActionID: ")[1].split("\r\n")[0]
                    conn.sendall(self.reply.format(id=action_id).encode())

    def __enter__(self):
        self.start()
        return SwitchSettings(port=self.listener.getsockname()[1])

    def __exit__(self, *_):
        self.join()
        self.listener.close()


def test_a_wrong_secret_is_refused():
    reply = "Response: Error\r\nActionID: {id}\r\nMessage: Authentication failed\r\n\r\n"
    with (
        _Peer(reply) as switch,
        pytest.raises(SwitchRefused, match="Authentication failed"),
        AmiWitness(switch),
    ):
        pass


def test_a_pbx_that_says_nothing_is_given_up():
    with (
        _Peer("") as switch,
        pytest.raises(SwitchUnreachable, match="does not talk AMI"),
        AmiWitness(switch, timeout_s=0.2),
    ):
        pass


def test_a_question_without_an_answer_is_given_up():
    reply = "Response: Success\r\nActionID: {id}\r\n\r\n"
    peer = _Peer(reply)
    with peer as switch, AmiWitness(switch, timeout_s=0.2) as witness:
        peer.reply = ""
        with pytest.raises(SwitchTimeout):
            witness.ask("Command", {"Command": "core show version"})


def test_an_event_after_one_blank_line_too_many_is_seen():
    # A PBX built with its test framework sends such lines after every TestEvent.
    reply = "Response: Success\r\nActionID: {id}\r\n\r\n\r\nEvent: Hangup\r\nUniqueid: 1.2\r\n\r\n"
    seen: queue.SimpleQueue = queue.SimpleQueue()
    with _Peer(reply) as switch, AmiWitness(switch, on_event=seen.put):
        assert seen.get(timeout=5).keys["Uniqueid"] == "1.2"


@pytest.mark.parametrize(("exten", "warned"), [("_X.", 1), ("_1!", 1), ("_1XX", 0), ("110", 0)])
def test_a_way_in_that_takes_any_text_is_a_warning(exten: str, warned: int) -> None:
    steps = [
        parse.Step("Gosub", "liandong-call,s,1(110,12345)"),
        parse.Step("Queue", "110,ciF(liandong-room^left^1)"),
        parse.Step("Goto", "liandong-alone,queue,1"),
    ]
    plan = {"from-city": parse.Context({exten: steps})}
    found = check_way_in(plan, CentreSettings(code="110", name="110", queue="110"))
    assert [one.status for one in found] == ["warn"] * warned + ["ok"]
