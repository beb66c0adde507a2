"""The normaliser, loaded while the worker already listens: words come before their spelling."""

from concurrent.futures import Future
from typing import TYPE_CHECKING

from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.speech.text.normalise import Normaliser


class Later:
    """`load` once, in a thread; whoever normalises before waits until it has been."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: Future[Normaliser] = Future()

    def load(self) -> None:
        """Load it, blocking for a second. Raises ConfigError as `normalise.load` does."""
        from gateway.speech.text import normalise  # noqa: PLC0415  slow to load

        try:
            self._loaded.set_result(normalise.load(self._settings))
        except BaseException as error:
            self._loaded.set_exception(error)
            raise

    def normalise(self, text_raw: str) -> str:
        """As `Normaliser.normalise`."""
        return self._loaded.result().normalise(text_raw)
