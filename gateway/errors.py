"""The exception tree.

LiandongError
├── ConfigError                 settings or data files are wrong; the message names the fix
├── SwitchError                 the PBX and the way to it
│   ├── SwitchUnreachable       no connection: nothing was sent
│   │   └── NotInControl        another gateway may control the PBX: nothing was sent
│   ├── Displaced               another gateway has taken control of the PBX
│   ├── SwitchTimeout           sent, no answer in time: the outcome is *unknown*
│   ├── SwitchRefused           the PBX answered Error
│   └── UnsafeValue             a value that must not enter an AMI header (CR, LF, NUL, over-long)
├── CallError                   a verb that cannot be done
│   ├── CallNotFound
│   │   └── CallbackNotFound    no such call-back task
│   ├── IllegalVerb             not legal in the call's present state
│   │   ├── DesignationNeeded   handed over too often: a supervisor says whose call it is
│   │   └── CallbackNotYours    the task is another's, or done
│   ├── IdempotencyConflict     the same key came with a different request
│   ├── IdempotencyKeyMissing   the request may not be made without an Idempotency-Key
│   └── StillInProgress         the first request with this key has not been answered yet
├── MediaError
│   ├── FrameError              malformed AudioSocket frame
│   └── NoCapacity              every recognition worker is full
├── SpeechError
│   ├── ModelError              model directory missing or broken
│   │   └── PullError           a model could not be fetched, or was not what it should be
│   └── AudioError              a file that cannot be heard; the message names the fix
├── LedgerError                 the SQL record cannot be read or written (now)
│   └── LedgerRefused           the database will not take these values: a retry cannot help
├── TicketError
│   ├── TicketNotFound
│   └── DeliveryError           the order system did not take the ticket
├── DispatchError
│   ├── AdviceNotReady          still being read after a start: ask again in seconds
│   └── TextRefused             empty or too long; the message names the fix
├── AuthError
│   ├── NotAuthenticated
│   ├── NotAllowed
│   ├── CrossSiteRefused        a cookie came without the header that only our page sends
│   └── TooManyAttempts         failed log-ins, or too many pages open
└── LabError                    the private PBX, Redis, phones or order system failed
    └── PhoneError              a scripted SIP phone: refused, ended, or misused
        ├── PhoneTimeout        what was waited for did not come in time
        └── MalformedMessage    not SIP, or not SDP, as the RFCs have it

Every class carries a stable ``slug`` which is what API clients and log queries match on.
"""


class LiandongError(Exception):
    """Base of every error the gateway raises on purpose."""

    slug = "error"


class ConfigError(LiandongError):
    slug = "config"


class SwitchError(LiandongError):
    slug = "switch"


class SwitchUnreachable(SwitchError):
    slug = "switch-unreachable"


class NotInControl(SwitchUnreachable):
    slug = "not-in-control"


class Displaced(SwitchError):
    slug = "displaced"


class SwitchTimeout(SwitchError):
    slug = "switch-timeout"


class SwitchRefused(SwitchError):
    slug = "switch-refused"


class UnsafeValue(SwitchError):
    slug = "unsafe-value"


class CallError(LiandongError):
    slug = "call"


class CallNotFound(CallError):
    slug = "call-not-found"


class CallbackNotFound(CallNotFound):
    slug = "callback-not-found"


class IllegalVerb(CallError):
    slug = "illegal-verb"


class DesignationNeeded(IllegalVerb):
    slug = "designation-needed"


class CallbackNotYours(IllegalVerb):
    slug = "callback-not-yours"


class IdempotencyConflict(CallError):
    slug = "idempotency-conflict"


class IdempotencyKeyMissing(CallError):
    slug = "idempotency-key-missing"


class StillInProgress(CallError):
    slug = "still-in-progress"


class MediaError(LiandongError):
    slug = "media"


class FrameError(MediaError):
    slug = "frame"


class NoCapacity(MediaError):
    slug = "no-capacity"


class SpeechError(LiandongError):
    slug = "speech"


class ModelError(SpeechError):
    slug = "model"


class PullError(ModelError):
    slug = "model-pull"


class AudioError(SpeechError):
    slug = "audio"


class LedgerError(LiandongError):
    slug = "ledger"


class LedgerRefused(LedgerError):
    slug = "ledger-refused"


class TicketError(LiandongError):
    slug = "ticket"


class TicketNotFound(TicketError):
    slug = "ticket-not-found"


class DeliveryError(TicketError):
    slug = "delivery"


class DispatchError(LiandongError):
    slug = "dispatch"


class AdviceNotReady(DispatchError):
    slug = "advice-not-ready"


class TextRefused(DispatchError):
    slug = "text-refused"


class AuthError(LiandongError):
    slug = "auth"


class NotAuthenticated(AuthError):
    slug = "not-authenticated"


class NotAllowed(AuthError):
    slug = "not-allowed"


class CrossSiteRefused(AuthError):
    slug = "cross-site-refused"


class TooManyAttempts(AuthError):
    slug = "too-many-attempts"


class LabError(LiandongError):
    slug = "lab"


class PhoneError(LabError):
    slug = "phone"


class PhoneTimeout(PhoneError):
    slug = "phone-timeout"


class MalformedMessage(PhoneError):
    slug = "phone-malformed"
