"""Who a phone is and where its PBX is."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.lab.phones.media import CallMedia
from gateway.lab.phones.resend import T1_S
from gateway.lab.phones.udp import Address


@dataclass(frozen=True)
class PhoneSettings:
    """One SIP account. `registrar` is the PBX's UDP address; everything is sent there."""

    user: str
    registrar: Address
    password: str = field(default="", repr=False)
    auth_user: str = ""
    """User name of the digest, where it is not `user`."""
    display_name: str = ""
    register: bool = True
    """False for a trunk, or a phone the PBX knows by a fixed contact."""
    expires_s: int = 120
    domain: str = ""
    """Domain of our own address; empty: the registrar's."""
    media: Callable[[str], CallMedia] = CallMedia
    """Makes the audio side of a call, bound to this host."""
    t1_s: float = T1_S
    """Round-trip estimate (RFC 3261 timer T1); tests make it small."""

    @property
    def domain_or_registrar(self) -> str:
        host, port = self.registrar
        return self.domain or f"{host}:{port}"

    @property
    def registrar_uri(self) -> str:
        host, port = self.registrar
        return f"sip:{host}:{port}"

    @property
    def own_uri(self) -> str:
        return f"sip:{self.user}@{self.domain_or_registrar}"

    def uri_of(self, number: str) -> str:
        """Return `number` as a URI at the PBX; a SIP URI stays as it is."""
        return number if number.startswith("sip:") else f"sip:{number}@{self.domain_or_registrar}"
