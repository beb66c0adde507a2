"""Settings: one TOML file, overridable by LIANDONG_* environment variables.

Order of precedence: environment (``LIANDONG_SWITCH__SECRET=...``), then the TOML file named by
``--config`` or ``LIANDONG_CONFIG``, then the defaults below.
"""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from gateway.errors import ConfigError

CONFIG_ENV = "LIANDONG_CONFIG"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SwitchSettings(_Part):
    """The Asterisk manager interface (AMI)."""

    host: str = "127.0.0.1"
    port: int = 5038
    user: str = "liandong"
    secret: SecretStr = SecretStr("")
    action_timeout_s: float = 2.0
    heartbeat_s: float = 1.0
    """How often the gateway proves to the dialplan that it lives (stale after 3 s)."""
    key_lifetime_s: float = 2.0
    """A key press older than this is discarded: the dialplan or the operator has moved on."""


class CentreSettings(_Part):
    """A hotline centre on this PBX, or one elsewhere that links can only lead to."""

    code: str
    """Short code: '12345', '110', '119'."""
    name: str
    queue: str = ""
    """Its queue on this PBX; '': a line outside (119, a water company), unless `elsewhere`."""
    elsewhere: bool = False
    """A centre with a queue on another PBX: hand-overs to it are counted as those here are."""

    @property
    def counts(self) -> bool:
        """Whether it hands calls to and fro, unlike a line outside."""
        return bool(self.queue) or self.elsewhere


AnsweredBy = Literal["agent", "device", "sign"]


class PlaceSettings(_Part):
    """Somewhere else to ring when a link's own place gives nobody."""

    dial: str
    answered_by: AnsweredBy = "agent"


class LinkSettings(_Part):
    """How one centre hands a call to another."""

    source: str
    target: str
    dial: str
    """Asterisk dial string of the target, e.g. ``Local/110@liandong-target/n``."""
    key: str = ""
    """The feature code, for display and `doctor`; what acts is in the dialplan files."""
    answered_by: AnsweredBy = "agent"
    """`agent`: the target is a queue, a person has answered at AgentConnect; `device`: a phone, or
    a PBX that answers when a person has; `sign`: a PBX that answers sooner, and gives a sign."""
    release: Literal["answered", "talk", "at_once"] = "answered"
    """`answered`: the operator is released `brief_s` after the person at the target answered;
    `talk`: the operator leaves when they hang up; `at_once`: the operator is free with the key,
    the caller hears that it rings, and goes to the head of the queue if nobody answers."""
    brief_s: float = 0.0
    ring_s: float = 30.0
    alive_s: float = Field(default=4.0, ge=0)
    """How long a trunk or phone may show no sign of life (180, 183, 200) before the next place is
    rung; the last place has 12 s. 0: each has `ring_s`. A queue here is not held to it."""
    hunt: list[PlaceSettings] = Field(default_factory=list)
    """Further places, rung in turn for `ring_s` each where the one before gave nobody."""

    @property
    def places(self) -> list[PlaceSettings]:
        """Every place of this link in the order of ringing."""
        return [PlaceSettings(dial=self.dial, answered_by=self.answered_by), *self.hunt]


class SeatSettings(_Part):
    """A seat: which operator sits at which phone."""

    extension: str
    endpoint: str
    """Asterisk device, e.g. ``PJSIP/1001``."""
    centre: str
    agent: str
    """Stable id of the operator (job number)."""
    name: str


class KeySettings(_Part):
    """Feature codes as the operators know them (shown on the page, checked by `doctor`)."""

    three_way: str = "*3"
    back: str = "*0"
    release: str = "*9"
    consult: str = "*7"
    """What a link's key begins with when its target is only to be consulted: ``*7110``."""
    drop: str = "*6"

    def consults(self, link: LinkSettings) -> str:
        """The key that consults the target of `link`; '' where the link has no key."""
        return self.consult + link.key.removeprefix("*") if link.key else ""


class RedisSettings(_Part):
    url: str = "redis://127.0.0.1:6379/0"


class LedgerSettings(_Part):
    url: str = "sqlite+aiosqlite:///liandong.sqlite3"


class JournalSettings(_Part):
    directory: Path = Path("journal")


def _models_dir() -> Path:
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")  # noqa: PTH111
    return Path(data) / "liandong" / "models"


class SpeechSettings(_Part):
    enabled: bool = True
    """False: nobody is listened to; no taps, no recognition process, and tickets say so."""
    model_dir: Path = Path("current")
    """A model's name or its directory; `current`: what `liandong models use` has chosen."""
    models_dir: Path = Field(default_factory=_models_dir)
    """Where `liandong models pull` puts models; the shipped one lies in asr_models/."""
    audiosocket_host: str = "127.0.0.1"
    audiosocket_port: int = 0
    """0: choose a free port; it is announced in Redis to the control process. Further workers take
    the ports that follow."""
    workers: Annotated[int, Field(ge=1)] | Literal["auto"] = 1
    """Recognition processes that `serve` runs; ``auto``: one per core, less one for the rest."""
    max_streams: int = Field(default=0, ge=0)
    """Speakers at a time, per worker; 0: as many as its measured speed allows."""
    frames_per_chunk: int = Field(default=51, ge=0)
    """10 ms frames given to the network at a time; 0: as the model says (usually 20 to 24)."""
    min_active: int = Field(default=20, ge=0)
    """Paths that the search keeps though they are outside its beam; 0: as the model says (200)."""
    tap_lifetime_s: float = 10.0
    """A tap's uuid must be used within this time, once."""
    batch_ms: int = 200
    recycle_s: float = 60.0
    normalise: bool = True
    """Figures and names as a reader expects them in `text`; `text_raw` is always what was heard."""
    correct_names: bool = True
    """Places and units that were heard right and written wrong: 四阳县 becomes 泗阳县."""
    name_areas: list[str] = Field(default_factory=list)
    """Division codes whose names are put right; empty: the area of `platform`."""
    names_file: Path | None = None
    """More names to put right, one a line: estates, roads, units."""
    metrics_port: int = 0
    """Prometheus metrics of the first recognition worker, on loopback, the others' on the ports
    that follow; 0: none."""

    def of_worker(self, number: int) -> "SpeechSettings":
        """As the `number`th worker of this machine has them, from 0: ports that are its own."""
        ports = {"audiosocket_port": self.audiosocket_port, "metrics_port": self.metrics_port}
        return self.model_copy(update={name: port + number for name, port in ports.items() if port})

    @property
    def worker_count(self) -> int:
        """How many recognition processes this machine runs."""
        if not self.enabled:
            return 0
        return max(1, (os.cpu_count() or 2) - 1) if self.workers == "auto" else self.workers


class OrdersSettings(_Part):
    """The order system that receives tickets."""

    url: str = ""
    """Where tickets are POSTed; empty: keep them in the outbox."""
    secret: SecretStr = SecretStr("")
    """Standard Webhooks secret: ``whsec_`` + base64."""
    timeout_s: float = Field(5.0, gt=0, le=600)
    max_attempts: int = 0
    """After so many attempts a revision is dead; 0: it is tried until a person says stop."""
    backoff_base_s: float = 0.5
    backoff_max_s: float = 300.0
    metrics_port: int = 0
    """Prometheus metrics of the delivery process, on loopback; 0: none."""


class FiguresSettings(_Part):
    """How calls are counted (plan clause D16)."""

    timezone: str = "Asia/Shanghai"
    """Whose days and hours are meant."""
    answer_within_s: float = Field(default=15.0, gt=0)
    """Answered in time (GB/T 33358)."""
    short_abandon_s: float = Field(default=5.0, ge=0)
    """A caller who hangs up sooner may have misdialled: counted apart."""
    wrap_up_cap_s: float = Field(default=600.0, gt=0)
    """From one call to the agent's next answer counts as wrap-up, no more than this."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                f"this machine knows no time zone {name!r}; is its tzdata package installed?"
            ) from error
        return name


class TokenSettings(_Part):
    name: str
    role: Literal["operator", "supervisor", "admin", "system"]
    token: SecretStr
    agent: str = ""
    """For operators: the agent id whose seat this token drives."""


class HandoverSettings(_Part):
    """Calls that go to and fro between the centres (plan clauses D03, D04)."""

    designate_at: int = Field(default=3, ge=0)
    """The hand-over that asks a supervisor to designate the centre that accepts, instead of
    ringing; 0: none ever does. What is marked as dangerous always rings."""


class ApiSettings(_Part):
    host: str = "127.0.0.1"
    port: int = 8080
    tokens: list[TokenSettings] = Field(default_factory=list)


class RecordingSettings(_Part):
    directory: Path = Path("/var/spool/asterisk/monitor")
    """Where the PBX writes recordings, as the gateway sees it."""


class DispatchSettings(_Part):
    """Advice on where a call belongs."""

    taxonomy: Path | None = None
    """Your own diversion lists; followed while the gateway runs. None: those shipped."""


class Settings(BaseSettings):
    """Everything the gateway is told. See ``config/liandong.toml`` for a commented example."""

    model_config = SettingsConfigDict(
        env_prefix="LIANDONG_", env_nested_delimiter="__", extra="forbid"
    )

    message_status: Literal["Actual", "Exercise", "Test"] = "Actual"
    platform: str = "siyang"
    switch: SwitchSettings = SwitchSettings()
    centres: list[CentreSettings] = Field(default_factory=list)
    links: list[LinkSettings] = Field(default_factory=list)
    seats: list[SeatSettings] = Field(default_factory=list)
    keys: KeySettings = KeySettings()
    redis: RedisSettings = RedisSettings()
    ledger: LedgerSettings = LedgerSettings()
    journal: JournalSettings = JournalSettings()
    speech: SpeechSettings = SpeechSettings()
    orders: OrdersSettings = OrdersSettings()
    figures: FiguresSettings = FiguresSettings()
    handovers: HandoverSettings = HandoverSettings()
    api: ApiSettings = ApiSettings()
    recording: RecordingSettings = RecordingSettings()
    dispatch: DispatchSettings = DispatchSettings()

    @property
    def profile(self) -> Literal["siyang", "tianjin", "custom"]:
        """Whose places, units and deadlines advice goes by: a plan's, or none's."""
        if self.platform == "siyang":
            return "siyang"
        return "tianjin" if self.platform == "tianjin" else "custom"

    @model_validator(mode="after")
    def _references_resolve(self) -> "Settings":
        known = {centre.code for centre in self.centres}
        outside = {centre.code for centre in self.centres if not centre.queue}
        for link in self.links:
            if missing := {link.source, link.target} - known:
                raise ValueError(f"[[links]] names unknown centre {sorted(missing)}")
            if link.source in outside:
                raise ValueError(f"[[links]] leads from {link.source}, which has no queue here")
        for seat in self.seats:
            if seat.centre not in known:
                raise ValueError(f"[[seats]] {seat.extension} names unknown centre {seat.centre}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings
        path = os.environ.get(CONFIG_ENV)
        toml = (TomlConfigSettingsSource(settings_cls, Path(path)),) if path else ()
        return (init_settings, env_settings, *toml)


def load(config: Path | None = None) -> Settings:
    """Read the settings; `config` (a TOML file) takes the place of ``LIANDONG_CONFIG``.

    Raises ConfigError naming the file, the key and what is wrong with it.
    """
    if config is not None:
        os.environ[CONFIG_ENV] = str(config.resolve())
    path = os.environ.get(CONFIG_ENV, "")
    if path and not Path(path).is_file():
        raise ConfigError(f"no settings file at {path}; see config/liandong.toml for an example")
    try:
        return Settings()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML (UTF-8): {error}") from error
    except SettingsError as error:
        raise ConfigError(f"environment: {error}; lists are given as JSON") from error
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ConfigError(f"settings {path or '(environment)'}: " + "; ".join(lines)) from error
