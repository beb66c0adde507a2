"""Digest authentication with MD5 (RFC 3261 section 22, RFC 2617; Asterisk's default)."""

import hashlib
import re
import secrets
from dataclasses import dataclass

from gateway.errors import PhoneError
from gateway.lab.phones.sip_message import Response

_PARAM = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^",\s]+))')


@dataclass(frozen=True)
class Challenge:
    """A WWW-Authenticate or Proxy-Authenticate header; the proof goes in `answer_header`."""

    realm: str
    nonce: str
    opaque: str
    qop: str
    stale: bool
    answer_header: str


def challenge_of(response: Response) -> Challenge:
    """Find the MD5 challenge of a 401 or 407. Raises PhoneError when there is none."""
    for header, answer in (
        ("www-authenticate", "authorization"),
        ("proxy-authenticate", "proxy-authorization"),
    ):
        for value in response.headers.all(header):
            params = {m[1].lower(): m[2] or m[3] or "" for m in _PARAM.finditer(value)}
            if value[:6].lower() == "digest" and params.get("algorithm", "MD5").upper() == "MD5":
                return _challenge(params, answer)
    raise PhoneError(f"{response.status} without an MD5 digest challenge; set auth to userpass/md5")


def answer(
    challenge: Challenge, method: str, uri: str, user: str, password: str, cnonce: str = ""
) -> str:
    """Return the header value that proves knowledge of `password` for one request."""
    ha1 = _md5(f"{user}:{challenge.realm}:{password}")
    ha2 = _md5(f"{method}:{uri}")
    fields = {
        "username": user,
        "realm": challenge.realm,
        "nonce": challenge.nonce,
        "uri": uri,
    }
    bare = ""
    if challenge.qop:
        cnonce = cnonce or secrets.token_hex(8)
        fields["response"] = _md5(f"{ha1}:{challenge.nonce}:00000001:{cnonce}:auth:{ha2}")
        fields["cnonce"] = cnonce
        bare = ", qop=auth, nc=00000001"
    else:
        fields["response"] = _md5(f"{ha1}:{challenge.nonce}:{ha2}")
    if challenge.opaque:
        fields["opaque"] = challenge.opaque
    quoted = ", ".join(f'{name}="{value}"' for name, value in fields.items())
    return f"Digest {quoted}{bare}, algorithm=MD5"


def _challenge(params: dict[str, str], answer_header: str) -> Challenge:
    offered = [token.strip() for token in params.get("qop", "").split(",")]
    return Challenge(
        realm=params.get("realm", ""),
        nonce=params.get("nonce", ""),
        opaque=params.get("opaque", ""),
        qop="auth" if "auth" in offered else "",
        stale=params.get("stale", "").lower() == "true",
        answer_header=answer_header,
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
