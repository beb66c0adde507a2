"""SIP on the wire: what is read, what is written, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import MalformedMessage
from gateway.lab.phones.sip_address import (
    format_name_addr,
    parse_name_addr,
    split_list,
    uri_user,
)
from gateway.lab.phones.sip_message import Request, Response, parse, respond

INVITE = (
    "INVITE sip:110@127.0.0.1:5080 SIP/2.0\r\n"
    "v: SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bKabc\r\n"
    'f: "张三丰" <sip:13812341234@127.0.0.1>;tag=left\r\n'
    "t: <sip:110@127.0.0.1>\r\n"
    "i: 42@127.0.0.1\r\n"
    "CSeq: 7 INVITE\r\n"
    "m: <sip:pbx@127.0.0.1:5060>\r\n"
    "Record-Route: <sip:a;lr>,\r\n"
    " <sip:b;lr>\r\n"
    "l: 3\r\n\r\nabcdef"
)


def test_compact_folded_and_utf8_headers_are_read() -> None:
    request = parse(INVITE.encode())
    assert isinstance(request, Request)
    assert (request.method, request.uri) == ("INVITE", "sip:110@127.0.0.1:5080")
    assert (request.call_id, request.cseq, request.cseq_method) == ("42@127.0.0.1", 7, "INVITE")
    assert (request.from_.display, request.from_.user, request.from_.tag) == (
        "张三丰",
        "13812341234",
        "left",
    )
    assert request.branch == "z9hG4bKabc"
    assert request.contact_uri == "sip:pbx@127.0.0.1:5060"
    assert request.headers.lists("record-route") == ["<sip:a;lr>", "<sip:b;lr>"]
    assert request.body == b"abc"


def test_what_is_rendered_is_read_again() -> None:
    request = parse(INVITE.encode())
    written = request.render()
    assert written.endswith(b"Content-Length: 3\r\n\r\nabc")
    again = parse(written)
    assert again.render() == written
    assert sorted(again.headers) == sorted(request.headers)


def test_a_response_copies_what_the_rfc_says_and_adds_our_tag_once() -> None:
    request = parse(INVITE.encode())
    assert isinstance(request, Request)
    response = parse(respond(request, 180, to_tag="right").render())
    assert isinstance(response, Response)
    assert (response.status, response.reason) == (180, "Ringing")
    assert (response.to.tag, response.from_.tag) == ("right", "left")
    assert response.headers.all("via") == request.headers.all("via")
    assert response.headers.get("cseq") == "7 INVITE"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("INVITE sip:110@127.0.0.1:5080 SIP/2.0", "HELLO", "start line"),
        ("v: SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bKabc\r\n", "", "no Via"),
        (";branch=z9hG4bKabc", "", "no branch"),
        ("CSeq: 7 INVITE", "CSeq: seven INVITE", "bad CSeq"),
        ("i: 42@127.0.0.1\r\n", "", "no Call-ID"),
        ("l: 3", "l: 300", "Content-Length"),
        ("l: 3", "l: -1", "Content-Length"),
        ("l: 3", "no colon here", "not a header"),
        ("t: <sip:110@127.0.0.1>", "t: nobody", "not a SIP address"),
        ("\r\n\r\nabcdef", "", "empty line"),
    ],
)
def test_malformed_messages_are_refused_by_name(old: str, new: str, complaint: str) -> None:
    with pytest.raises(MalformedMessage, match=complaint):
        parse(INVITE.replace(old, new).encode())


@given(st.binary(max_size=300))
def test_no_datagram_raises_anything_else(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse(data)


@given(st.integers(0, len(INVITE) - 1), st.binary(min_size=1, max_size=8))
def test_a_damaged_message_is_read_or_refused(at: int, damage: bytes) -> None:
    data = INVITE.encode()
    try:
        message = parse(data[:at] + damage + data[at + len(damage) :])
    except MalformedMessage:
        return
    assert message.cseq_method


@pytest.mark.parametrize(
    ("value", "uri", "display", "tag"),
    [
        ("<sip:1001@h>;tag=x", "sip:1001@h", "", "x"),
        ('"A \\"B\\" C" <sip:1@h;lr>;tag=y', "sip:1@h;lr", 'A "B" C', "y"),
        ("Seat One <sip:1@h>", "sip:1@h", "Seat One", ""),
        ("sip:1@h;tag=z", "sip:1@h", "", "z"),
    ],
)
def test_name_addr(value: str, uri: str, display: str, tag: str) -> None:
    address = parse_name_addr(value)
    assert (address.uri, address.display, address.tag) == (uri, display, tag)


def test_display_names_are_quoted_and_come_back() -> None:
    written = format_name_addr("sip:1@h", 'A "B" \\ C', "t")
    assert parse_name_addr(written).display == 'A "B" \\ C'


@pytest.mark.parametrize(
    ("uri", "user"),
    [
        ("sip:138@h", "138"),
        ("sip:%2A110@h:5060", "*110"),
        ("sip:a:secret@h", "a"),
        ("tel:12345", "12345"),
        ("sip:h", ""),
    ],
)
def test_uri_user(uri: str, user: str) -> None:
    assert uri_user(uri) == user


def test_lists_mind_quotes_and_brackets() -> None:
    assert split_list('"a, b" <sip:x,y@h>, <sip:z>') == ['"a, b" <sip:x,y@h>', "<sip:z>"]


def test_a_header_cannot_carry_a_line_break() -> None:
    request = parse(INVITE.encode())
    with pytest.raises(MalformedMessage, match="line break"):
        request.headers.add("subject", "x\r\nTo: <sip:evil@h>")
