"""The doctor's eyes on a PBX: asterisk-ami, so as to share no fault with the gateway's client."""

import contextlib
import itertools
import queue
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from asterisk.ami.action import SimpleAction
from asterisk.ami.client import AMIClient

from gateway.errors import SwitchRefused, SwitchTimeout, SwitchUnreachable
from gateway.settings import SwitchSettings
from gateway.telephony.ami_values import checked


@dataclass(frozen=True)
class Answer:
    """`ok` is false for `Response: Error`; `lines` is what a console command printed."""

    ok: bool
    headers: Mapping[str, str]

    @property
    def lines(self) -> list[str]:
        return self.headers.get("Output", "").split("\n")

    @property
    def message(self) -> str:
        return self.headers.get("Message", "")


class Witness(Protocol):
    """Raises SwitchTimeout when the PBX does not answer."""

    def ask(self, action: str, headers: Mapping[str, str] | None = None) -> Answer: ...


def command(witness: Witness, line: str) -> list[str]:
    """What the console command printed, also when the PBX calls that an error."""
    return witness.ask("Command", {"Command": line}).lines


class _Client(AMIClient):
    finished: threading.Event

    def listen(self) -> None:
        # Its own thread: what it raises when the connection ends would be printed, not caught.
        try:
            super().listen()
        except Exception:
            self.finished.set()

    def _decode_pack(self, pack: bytes) -> str:
        # Some events (TestEvent of class reporting) end with a blank line too many: it would stand
        # at the head of the next event, which the library then does not know as one.
        text: str = super()._decode_pack(pack)
        return text.lstrip("\r\n")


class AmiWitness:
    """`with AmiWitness(settings) as witness:` connects and logs in.

    Raises SwitchUnreachable or SwitchRefused (wrong user or secret).
    """

    def __init__(
        self,
        settings: SwitchSettings,
        timeout_s: float = 10.0,
        on_event: Callable[[Any], None] | None = None,
    ) -> None:
        """`on_event` is called in the client's own thread with asterisk-ami's events."""
        self._settings = settings
        self._on_event = on_event
        self._timeout_s = timeout_s
        self._ids = itertools.count(1)
        self._waiting: dict[str, queue.SimpleQueue[Answer]] = {}
        self._client: Any = _Client(
            address=settings.host, port=settings.port, timeout=timeout_s, buffer_size=65536
        )
        self._client.add_listener(on_response=self._on_response)
        if on_event is not None:
            self._client.add_event_listener(lambda source, event: on_event(event))  # noqa: ARG005

    def __enter__(self) -> Self:
        where = f"{self._settings.host}:{self._settings.port}"
        try:
            self._client.connect()
        except OSError as error:
            self._close()
            raise SwitchUnreachable(f"AMI at {where}: {error.strerror or error}") from error
        if self._on_event is not None:
            # A quiet PBX is no error for one who listens.
            self._client._socket.settimeout(None)
        try:
            self._login(where)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _login(self, where: str) -> None:
        secret = self._settings.secret.get_secret_value()
        events = "off" if self._on_event is None else "on"
        login = {"Username": self._settings.user, "Secret": secret, "Events": events}
        try:
            answer = self.ask("Login", login)
        except SwitchTimeout as error:
            raise SwitchUnreachable(f"{where} accepts, but does not talk AMI") from error
        if not answer.ok:
            raise SwitchRefused(answer.message)

    def _close(self) -> None:
        # Without the shutdown its thread would sit in recv() for the whole time-out.
        with contextlib.suppress(OSError):
            self._client._socket.shutdown(socket.SHUT_RDWR)
        if self._client.finished is None:
            self._client._socket.close()
        else:
            self._client.disconnect()

    def ask(self, action: str, headers: Mapping[str, str] | None = None) -> Answer:
        # Not its futures: they wait through threading's removed notifyAll().
        action_id = f"doctor-{next(self._ids)}"
        given = checked(action, {**(headers or {}), "ActionID": action_id})
        box: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._waiting[action_id] = box
        del given["Action"]
        try:
            self._client.send(SimpleAction(action, **given))
            return box.get(timeout=self._timeout_s)
        except (queue.Empty, OSError) as error:
            raise SwitchTimeout(f"{action}: no reply in {self._timeout_s:g} s") from error
        finally:
            del self._waiting[action_id]

    def _on_response(self, source: object, response: Any) -> None:
        del source
        box = self._waiting.get(response.keys.get("ActionID", ""))
        if box is not None:
            box.put(Answer(not response.is_error(), dict(response.keys)))
