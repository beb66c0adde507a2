"""The first words of a leg, before the recogniser itself gives them.

The network is given half a second at a time and looks a quarter of a second ahead, so that words
take 0.8 to 1.3 s. Whoever was speaking when we began to listen, as after a restart, has waited long
enough: a second recogniser is told that the utterance ends here, and says what it makes of it.
"""

from gateway.media.audiosocket_codec import BYTES_PER_MS
from gateway.speech.pool import Pool

_ENOUGH_MS = 400
_NO_MORE_MS = 1000
"""By then the recogniser has begun to say words."""
_QUIET_MS = 100
"""Without it the last word is often taken for another, and Vosk warns of a part of a word."""
_QUIET = bytes(_QUIET_MS * BYTES_PER_MS)


class Glimpse:
    """Of one utterance's beginning. Each look decodes all of it anew: 10 ms of work."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._pcm = bytearray()

    @property
    def over(self) -> bool:
        """The recogniser itself is to have words by now."""
        return len(self._pcm) > _NO_MORE_MS * BYTES_PER_MS

    def words(self, pcm: bytes) -> str:
        """Take more of the utterance; return its words so far, '' as long as there are none."""
        self._pcm += pcm
        ms = len(self._pcm) / BYTES_PER_MS
        if not _ENOUGH_MS <= ms <= _NO_MORE_MS:
            return ""
        lent = self._pool.take()
        try:
            lent.accept(bytes(self._pcm) + _QUIET, ms + _QUIET_MS)
            heard = lent.recogniser.finish()
        except Exception:
            self._pool.lose(lent)
            raise
        self._pool.give(lent)
        return heard.text if heard else ""
