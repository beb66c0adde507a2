"""Transfer by the phone's own key: REFER (RFC 3515), with Replaces for attended (RFC 3891)."""

import re
from dataclasses import dataclass, field
from urllib.parse import quote

from gateway.lab.phones.dialog import Dialog
from gateway.lab.phones.sip_message import Request

_SIPFRAG = re.compile(rb"^SIP/2\.0 (\d{3})")


@dataclass
class Referral:
    """What became of a REFER. `status` answers the REFER itself (202: it will be tried);
    `progress` are the statuses the PBX reported since, the last one final."""

    status: int = 0
    progress: list[int] = field(default_factory=list)

    def note(self, notify: Request) -> None:
        """Take a NOTIFY's message/sipfrag."""
        if match := _SIPFRAG.match(notify.body):
            self.progress.append(int(match[1]))


def refer_request(dialog: Dialog, target_uri: str, replaces: Dialog | None) -> Request:
    """Build the REFER of `dialog` to `target_uri`, or to the far end of the dialog `replaces`."""
    if replaces is not None:
        tags = f"to-tag={replaces.remote_tag};from-tag={replaces.local_tag}"
        target_uri += "?Replaces=" + quote(f"{replaces.call_id};{tags}", safe="")
    request = dialog.request("REFER")
    request.headers.add("refer-to", f"<{target_uri}>")
    request.headers.add("referred-by", dialog.local.partition(";tag=")[0])
    return request
