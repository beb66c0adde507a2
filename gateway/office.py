"""What people and databases see of the calls: the record, the API, the page.

What they need takes longer to load than all that calls need. It is loaded beside them, so that
nobody on the line waits for it, and this is imported by nothing that calls need.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from redis.asyncio import Redis

from gateway.api.app import create_app
from gateway.api.ports import Adviser
from gateway.api.server import serving
from gateway.calls.facts import Fact
from gateway.calls.port import CallControl
from gateway.ledger.recorder import Recorder
from gateway.ledger.repository import Ledger
from gateway.live import names
from gateway.live.streams import RedisLiveReader
from gateway.settings import Settings


class Office:
    """Ledger, recorder and API, put together; nothing is connected or served yet."""

    def __init__(
        self,
        settings: Settings,
        calls: CallControl,
        redis: Redis,
        adviser: Adviser,
        record: Callable[[Fact], None],
    ) -> None:
        """Takes a tenth of a second. `record` hands a fact of the recorder's own to its call.

        Raises ConfigError for a ledger or access that cannot be.
        """
        self._redis = redis
        self._api = settings.api
        self.ledger = Ledger(settings.ledger.url, zone=settings.figures.zone)
        self.recorder = Recorder(self.ledger, self._wake_delivery, record, settings)
        self._app = create_app(settings, calls, RedisLiveReader(redis), self.ledger, adviser)

    def serving(self) -> AbstractAsyncContextManager[str]:
        """Serve API and page while it lasts. Raises ConfigError when the port cannot be had."""
        return serving(self._app, self._api.host, self._api.port)

    async def _wake_delivery(self) -> None:
        await self._redis.publish(names.OUTBOX_WAKE, "due")
