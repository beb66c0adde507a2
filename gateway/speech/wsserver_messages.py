"""What clients of vosk-server say in text: a configuration, or that the audio is over.

Source: alphacep/vosk-server, websocket/asr_server.py: ``{"config": {"sample_rate": 8000, ...}}``
first, then binary 16-bit little-endian mono PCM, then ``{"eof": 1}``; each piece of audio and the
end get one answer.
"""

import json
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.errors import SpeechError

INVALID_DATA, POLICY, TOO_BUSY, GOING_AWAY, FAILED = 1007, 1008, 1013, 1001, 1011
"""Close codes (RFC 6455, 7.4.1, and the IANA registry for 1013)."""
MAX_PHRASES = 10_000
_MAX_REASON = 120


class BadMessage(SpeechError):
    """A client said what cannot be served: told as JSON, then as the reason of the close."""

    slug = "bad-message"

    def __init__(self, code: int, reason: str) -> None:
        # The reason of a close is at most 123 bytes.
        super().__init__(reason.encode()[:_MAX_REASON].decode("utf-8", "ignore"))
        self.code = code


class StreamConfig(BaseModel):
    """How one stream is to be heard. What vosk-server does not know either is ignored."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    sample_rate: float = Field(default=8000, ge=8000, le=192_000, multiple_of=1)
    words: bool = True
    max_alternatives: int = Field(default=0, ge=0, le=100)
    phrase_list: list[str] | None = Field(default=None, max_length=MAX_PHRASES)
    """Only these phrases are heard; for models with a look-ahead graph."""
    normalise: bool = False
    """Ours, not vosk-server's: text as people read it, with `text_raw` beside it."""


@dataclass(frozen=True)
class End:
    """The client's audio is over."""


def parse(message: str, config: StreamConfig) -> StreamConfig | End:
    """Return `config` with what the message changes, or the end. Raises BadMessage."""
    try:
        said = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise BadMessage(INVALID_DATA, "a text message must be JSON: a config or an eof") from error
    if isinstance(said, dict) and isinstance(said.get("config"), dict):
        try:
            return StreamConfig.model_validate(config.model_dump() | said["config"])
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise BadMessage(POLICY, f"config {where}: {first['msg']}") from error
    if isinstance(said, dict) and said.get("eof"):
        return End()
    raise BadMessage(POLICY, 'neither {"config": {...}} nor {"eof": 1}')
