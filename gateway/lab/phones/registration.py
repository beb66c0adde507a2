"""Being reachable: REGISTER, refreshed before it expires (RFC 3261 section 10)."""

import asyncio
import contextlib

from gateway.errors import PhoneError
from gateway.lab.phones import sip_auth
from gateway.lab.phones.dialog import Dialog
from gateway.lab.phones.phone_settings import PhoneSettings
from gateway.lab.phones.sip_address import parse_name_addr
from gateway.lab.phones.sip_message import Response
from gateway.lab.phones.sip_transaction import TransactionLayer

_REFRESH_AT = 0.8
_RETRY_S = 1.0


class Registration:
    """One contact at one registrar."""

    def __init__(self, layer: TransactionLayer, settings: PhoneSettings) -> None:
        self._layer = layer
        self._settings = settings
        self._dialog = Dialog.outgoing(
            settings.own_uri,
            "",
            settings.own_uri,
            layer.transport.address,
            settings.user,
            settings.registrar,
        )
        self._task: asyncio.Task[None] | None = None
        self.active = False
        self.refresh_after_s = 0.0
        """Seconds between refreshes: a fifth less than the PBX granted."""
        self.failures = 0
        """Refreshes that failed; each is tried again after a second."""

    async def start(self) -> None:
        """Register and keep it so. Raises PhoneError when the PBX refuses or is silent."""
        await self.refresh()
        self._task = asyncio.create_task(self._keep(), name=f"register-{self._settings.user}")

    async def close(self) -> None:
        """Take the registration back; a PBX that is gone does not matter."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self.active:
            self.active = False
            with contextlib.suppress(PhoneError):
                await self._round(0)

    async def refresh(self) -> None:
        """Register again now. Raises PhoneError."""
        self.refresh_after_s = _REFRESH_AT * await self._round(self._settings.expires_s)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self.refresh_after_s)
            try:
                await self.refresh()
            except PhoneError:
                self.failures += 1
                self.active = False
                self.refresh_after_s = _RETRY_S

    async def _round(self, expires_s: int) -> float:
        """Send REGISTER, proving who we are when asked; returns the seconds granted."""
        response = await self._send(expires_s, {})
        if response.status in (401, 407):
            challenge = sip_auth.challenge_of(response)
            settings = self._settings
            user = settings.auth_user or settings.user
            proof = sip_auth.answer(
                challenge, "REGISTER", settings.registrar_uri, user, settings.password
            )
            response = await self._send(expires_s, {challenge.answer_header: proof})
        if response.status != 200:
            raise PhoneError(
                f"phone {self._settings.user} may not register: {response.status} "
                f"{response.reason}; check user, password and aor on the PBX"
            )
        self.active = expires_s > 0
        return self._granted(response, expires_s)

    async def _send(self, expires_s: int, extra: dict[str, str]) -> Response:
        request = self._dialog.request("REGISTER", uri=self._settings.registrar_uri)
        request.headers.add("expires", str(expires_s))
        for name, value in extra.items():
            request.headers.add(name, value)
        return await self._layer.send(request, self._settings.registrar).final

    def _granted(self, response: Response, asked: int) -> float:
        for value in response.headers.lists("contact"):
            contact = parse_name_addr(value)
            if contact.uri in self._dialog.contact and contact.params.get("expires"):
                return float(contact.params["expires"])
        return float(response.headers.get("expires") or asked)
