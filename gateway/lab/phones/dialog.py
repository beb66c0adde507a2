"""A SIP dialog: what makes the requests of one call belong together (RFC 3261 section 12)."""

import secrets
from dataclasses import dataclass, field

from gateway.lab.phones.sip_address import format_name_addr
from gateway.lab.phones.sip_message import Headers, Message, Request, Response
from gateway.lab.phones.udp import Address

USER_AGENT = "liandong-lab-phone"
ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, NOTIFY, REFER"


def new_tag() -> str:
    return secrets.token_hex(6)


@dataclass
class Dialog:
    """`local` and `remote` are From/To values with their tags, as sent in our requests."""

    call_id: str
    local: str
    remote: str
    local_tag: str
    contact: str
    """Our Contact value."""
    target: str
    """Where requests inside the dialog are addressed: the other side's Contact."""
    peer: Address
    remote_tag: str = ""
    routes: list[str] = field(default_factory=list)
    cseq: int = 1
    remote_cseq: int = 0

    @classmethod
    def outgoing(
        cls, local_uri: str, display: str, target: str, host: Address, user: str, peer: Address
    ) -> "Dialog":
        """Start the dialog of an INVITE or REGISTER of our own."""
        tag = new_tag()
        return cls(
            call_id=f"{secrets.token_hex(10)}@{host[0]}",
            local=format_name_addr(local_uri, display, tag),
            remote=format_name_addr(target),
            local_tag=tag,
            contact=contact(user, host),
            target=target,
            peer=peer,
        )

    @classmethod
    def incoming(cls, invite: Request, host: Address, user: str, peer: Address) -> "Dialog":
        """Start the dialog of an INVITE that came."""
        tag = new_tag()
        return cls(
            call_id=invite.call_id,
            local=f"{invite.headers.get('to')};tag={tag}",
            remote=invite.headers.get("from"),
            local_tag=tag,
            contact=contact(user, host),
            target=invite.contact_uri or invite.from_.uri,
            peer=peer,
            remote_tag=invite.from_.tag,
            routes=invite.headers.lists("record-route"),
            remote_cseq=invite.cseq,
        )

    def learn(self, response: Response) -> None:
        """Take the other side's tag, contact and route set from its answer to our INVITE."""
        self.remote = response.headers.get("to")
        self.remote_tag = response.to.tag
        self.target = response.contact_uri or self.target
        self.routes = response.headers.lists("record-route")[::-1]

    def request(self, method: str, *, cseq: int | None = None, uri: str = "") -> Request:
        """Start a request in this dialog, with the next CSeq unless told (an ACK keeps its own)."""
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        headers = Headers([("max-forwards", "70")])
        headers.add("from", self.local)
        headers.add("to", self.remote)
        headers.add("call-id", self.call_id)
        headers.add("cseq", f"{cseq} {method}")
        for route in self.routes:
            headers.add("route", route)
        if method not in ("ACK", "CANCEL", "BYE"):
            headers.add("contact", self.contact)
        headers.add("user-agent", USER_AGENT)
        headers.add("allow", ALLOW)
        return Request(headers, method=method, uri=uri or self.target)


def contact(user: str, host: Address) -> str:
    return f"<sip:{user}@{host[0]}:{host[1]}>"


def with_sdp(message: Message, body: bytes) -> None:
    """Make `body` the message's SDP."""
    message.headers.add("content-type", "application/sdp")
    message.body = body
