"""Scripted SIP phones: they ring, answer, talk, press RFC 4733 keys and tell exact times.

They speak as much of SIP (RFC 3261) as a desk phone on a PBX needs, over UDP on loopback, and
keep what they send and receive so that a test can say when and why.

    sip_message  sip_address  sip_auth  sdp  rtp     wire formats, no I/O
    udp  trace  sip_transport  sip_transaction       sockets, time stamps, retransmission
    audio  heard  dtmf  ticker  media                what is said, heard and pressed
    dialog  call  outgoing  incoming                 one call
    phone  registration  script                      one user agent; helpers for tests
"""

from gateway.lab.phones.call import CallState, EndCause, PhoneCall
from gateway.lab.phones.dtmf import KeyPress
from gateway.lab.phones.incoming import IncomingCall, IncomingPolicy
from gateway.lab.phones.media import PlayedSpan
from gateway.lab.phones.outgoing import OutgoingCall
from gateway.lab.phones.phone import Phone
from gateway.lab.phones.phone_settings import PhoneSettings
from gateway.lab.phones.stamp import Stamp

__all__ = [
    "CallState",
    "EndCause",
    "IncomingCall",
    "IncomingPolicy",
    "KeyPress",
    "OutgoingCall",
    "Phone",
    "PhoneCall",
    "PhoneSettings",
    "PlayedSpan",
    "Stamp",
]
