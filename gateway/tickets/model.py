"""The ticket: what an order system is told about one call. Docs: `docs/tickets.md`.

The JSON Schema in `docs/ticket.schema.json` is made from these classes. A new optional field is a
new minor `schema_version`; receivers ignore fields they do not know.
"""

from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

SCHEMA_VERSION: Final = "1.2"
SCHEMA_URI = "urn:liandong:schema:ticket:1.2"

Phase = Literal["preliminary", "final"]
MessageStatus = Literal["Actual", "Exercise", "Test"]
Role = Literal["caller", "agent"]

Offset = Annotated[int, Field(description="Milliseconds from the start of the call.")]


_HOLDS: Final = (
    "The utterance that holds the words. In a revision that is not final it may still be spoken,"
    " and not stand in the transcript yet."
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class UpdatedBy(_Part):
    """Whose act made this revision."""

    agency: str = Field(description="Platform that issued it, as in `platform`.")
    agent: str | None = Field(description="Job number of the operator; null: the gateway itself.")


class Call(_Part):
    """The call the ticket is about."""

    call_id: str = Field(description="Id of the call in the gateway.")
    room: str = Field(description="The PBX's own name of the call; also names room and recording.")
    caller_number: str | None = Field(description="Calling number as the PBX gave it.")
    called_number: str | None = Field(description="Number the citizen dialled: 12345, 110.")
    centre: str | None = Field(description="Code of the centre that answered first (首接).")
    centre_name: str | None = Field(description="That centre's name.")
    started_at: AwareDatetime | None = Field(description="Call arrived (RFC 3339).")
    ended_at: AwareDatetime | None = Field(description="Call ended; null while it goes on.")
    duration_ms: int | None = Field(description="From start to end; null while it goes on.")
    handovers: int = Field(
        default=0, description="How often it went from one centre to another. Since 1.2."
    )
    end_reason: (
        Literal["caller_hung_up", "last_agent_left", "abandoned", "lost", "switch"] | None
    ) = Field(description="Why it ended; `lost`: the caller's leg fell; null while it goes on.")


class Ownership(_Part):
    """Which centre accepts the matter, where that has been said. Since 1.2."""

    centre: str = Field(description="Code of the centre.")
    how: Literal["accepted", "first_answer", "designated"] = Field(
        description="`accepted`: agreed in a three-way; `first_answer`: undecided, so the centre "
        "that answered first (首接负责); `designated`: by a supervisor."
    )
    by: str | None = Field(description="Job number or name of who said so; null: nobody did.")
    reason: str = Field(default="", description="Why, in the supervisor's words.")
    at: AwareDatetime = Field(description="When.")


class Callback(_Part):
    """The caller has gone while nobody had them, and is to be called back. Since 1.2."""

    callback_number: str | None = Field(description="Number of the task; null: not given yet.")
    centre: str = Field(description="Code of the centre whose task it is.")
    why: Literal["caller_gone", "queue_left"] = Field(
        description="`caller_gone`: while the other centre rang; `queue_left`: from the queue, "
        "after having been served."
    )
    due_at: AwareDatetime = Field(description="When the caller went.")
    state: Literal["open", "taken", "done"] = Field(description="How far it is.")
    by: str | None = Field(description="Who has taken or done it; null: nobody yet.")
    outcome: Literal["reached", "not_reached", "not_needed"] | None = Field(
        description="What came of it; null: not done."
    )


class Caller(_Part):
    """The citizen."""

    number: str | None = Field(description="Number to call back.")
    leg_id: str | None = Field(description="The citizen's leg in `legs`.")


class Leg(_Part):
    """One party's connection to the call."""

    leg_id: str = Field(description="Id of the leg.")
    role: Role = Field(description="`caller`: the citizen; `agent`: an operator of a centre.")
    centre: str | None = Field(description="Code of the operator's centre.")
    agent: str | None = Field(description="Operator's job number.")
    agent_name: str | None = Field(description="Operator's name.")
    extension: str | None = Field(description="Operator's extension.")
    number: str | None = Field(description="Number of the party, where the PBX knows it.")
    added_at: AwareDatetime = Field(description="The leg was set up or began to ring.")
    answered_at: AwareDatetime | None = Field(description="The person answered.")
    joined_room_at: AwareDatetime | None = Field(description="It entered the conference.")
    ended_at: AwareDatetime | None = Field(description="The leg ended.")
    cause: int | None = Field(description="Q.850 cause; null: not ended or not known.")
    ended_by: Literal["party", "gateway", "switch", "unknown"] | None = Field(
        description="Who ended it; null while it lives."
    )


class TransferStep(_Part):
    """A state the transfer entered."""

    state: Literal[
        "requested",
        "ringing",
        "briefing",
        "consulting",
        "three_way",
        "released",
        "completed",
        "returned_to_agent",
        "returned_to_queue",
        "cancelled",
        "caller_gone",
    ] = Field(description="The state.")
    at: AwareDatetime = Field(description="When it was entered.")
    reason: (
        Literal["busy", "no_answer", "rejected", "unreachable", "target_left", "switch_error"]
        | None
    ) = Field(description="Why, for the states that follow a failure.")


class Transfer(_Part):
    """One hand-over from centre to centre by voice."""

    transfer_id: str = Field(description="Id of the transfer.")
    kind: Literal["one_key", "three_way", "consult"] = Field(
        description="What was asked for; `consult`: to talk without the citizen first."
    )
    from_centre: str = Field(description="Code of the centre that handed over.")
    to_centre: str = Field(description="Code of the centre that was called in.")
    transferor_leg: str | None = Field(description="Leg of the operator who pressed the key.")
    target_leg: str | None = Field(description="Leg of the operator who was called in.")
    agent: str | None = Field(description="Job number of the operator who pressed the key.")
    via: Literal["key", "api", "native"] = Field(
        description="`native`: the PBX did it alone, the gateway being away."
    )
    state: str = Field(description="The last step's state.")
    hop: int = Field(
        default=0, description="Which hand-over between the centres; 0: a line outside. Since 1.2."
    )
    steps: list[TransferStep] = Field(description="Every step, oldest first.")


class Utterance(_Part):
    """What one speaker said, as the recogniser heard it. It can be wrong: see `confidence`."""

    utterance_id: str = Field(description="Id of the utterance; evidence refers to it.")
    leg_id: str = Field(description="Who spoke: a leg in `legs`.")
    role: Role | None = Field(description="The speaker's role.")
    centre: str | None = Field(description="The speaker's centre; null for the citizen.")
    agent: str | None = Field(description="The speaker's job number; null for the citizen.")
    start_ms: Offset
    end_ms: Offset
    text: str = Field(description="Text with numbers and punctuation made readable.")
    text_raw: str = Field(description="Text exactly as recognised.")
    confidence: float | None = Field(description="0 to 1; null: the model gave none.")
    model: str = Field(description="Version of the recognition model.")


class Gap(_Part):
    """A stretch that was not heard by the recogniser; the recording has it."""

    leg_id: str = Field(description="Whose speech is missing.")
    start_ms: Offset
    end_ms: Offset
    why: str = Field(description="Why it is missing.")


class Transcript(_Part):
    """What was said, by speaker."""

    complete: bool = Field(description="Every answered leg was heard to its end, without gaps.")
    utterances: list[Utterance] = Field(description="Oldest first.")
    gaps: list[Gap] = Field(description="What could not be heard, as it was noticed.")


class Evidence(_Part):
    """The words behind a suggestion."""

    utterance_id: str = Field(description=_HOLDS)
    start: int = Field(description="First character of the words in `text`, in code points.")
    end: int = Field(description="Character after the last.")
    text: str = Field(description="The words.")
    why: str = Field(description="What they were taken to mean.")


class District(_Part):
    """An administrative division; a code never goes without its system."""

    code: str = Field(description="Division code, 2 to 12 digits.")
    code_system: str = Field(description="Whose code it is: `NBS-2023`.")
    name: str = Field(description="Name of the division.")
    path: str = Field(default="", description="Full name, from the province or county down.")


class SaidFact(_Part):
    """Something said that the order needs, with the words it was read from."""

    kind: str = Field(
        description="`time`, `place`, `phone`, `casualty`, `weapon`, `hazard`, `plate`, `amount`, "
        "`person`."
    )
    value: str = Field(description="The fact made plain: digits for a spoken number.")
    utterance_id: str = Field(description=_HOLDS)
    start: int = Field(description="First character of the words in `text`, in code points.")
    end: int = Field(description="Character after the last.")
    text: str = Field(description="The words.")


class Suggestion(_Part):
    """The machine's proposal. A person decides: see `decision`."""

    suggestion_id: str = Field(description="Id of the proposal.")
    platform: str = Field(
        description="`110`, `12345`, `119`, `120`, `122`, or `guide`: outside all scopes."
    )
    item: str | None = Field(description="Class of the diversion list: A1-A9, B1-B8.")
    item_name: str | None = Field(description="Name of the class.")
    urgency: Literal["emergency", "urgent", "normal"] = Field(description="特急, 紧急, 一般.")
    confidence: float = Field(description="0 to 1.")
    evidence: list[Evidence] = Field(description="Why.")
    version: str = Field(description="Version of the rules or model that proposed it.")
    sure: bool = Field(default=True, description="false: not sure, a guess to look at. Since 1.1.")
    runner_up: str | None = Field(
        default=None, description="Next likely class, guidance (`G-...`) or line (`L-120`)."
    )
    also: list[str] = Field(default=[], description="Emergency lines to bring in: 119, 120, 122.")
    unit: str = Field(default="", description="Unit that leads; empty: none of ours has to act.")
    assist: list[str] = Field(default=[], description="Units that assist.")
    district: District | None = Field(default=None, description="null: not named beyond doubt.")
    place: str = Field(default="", description="Where, in the caller's words.")
    facts: list[SaidFact] = Field(default=[], description="In the order they were said.")
    ask: list[str] = Field(default=[], description="Questions still worth asking.")
    deadline: str = Field(default="", description="Deadline of the profile for this urgency.")
    request_type: str = Field(
        default="", description="诉求类型: 咨询, 求助, 投诉, 举报, 建议, 表扬, 其他."
    )
    title: str = Field(default="", description="From the caller's own words.")
    summary: str = Field(default="", description="One paragraph of the caller's own words.")


class Decision(_Part):
    """What a person made of the suggestion."""

    suggestion_id: str = Field(description="The proposal that was decided on.")
    decision: Literal["accepted", "changed", "ignored"] = Field(description="The decision.")
    platform: str = Field(description="Platform decided on.")
    item: str | None = Field(description="Class decided on.")
    agent: str | None = Field(description="Job number of who decided.")
    at: AwareDatetime = Field(description="When.")


class Recording(_Part):
    """The caller's recording, one file from queue to room to target."""

    file: str = Field(description="Name of the file on the PBX.")
    url: str | None = Field(description="Where it can be fetched; null: not served over HTTP.")
    unbroken: bool | None = Field(
        description="One file covers the call to its end; null: not known (yet)."
    )


class Links(_Part):
    """Paths at the gateway's API, for those who hold a token of it."""

    call: str = Field(description="The call, live and past.")
    ticket: str = Field(description="This ticket, every revision.")


class Ticket(_Part):
    """A structured ticket of one call that a 12345 or 110 centre took."""

    schema_version: Literal["1.0", "1.1", "1.2"] = Field(
        default=SCHEMA_VERSION, description="Version of this format."
    )
    ticket_id: str = Field(description="UUIDv7, the same for every revision of a call's ticket.")
    revision: int = Field(ge=1, description="1, 2, ...: keep the highest, it replaces the others.")
    phase: Phase = Field(
        description="`preliminary`: sent when the other centre's phone rings, the call goes on; "
        "`final`: the call has ended. A later revision (late words, a decision) is final too."
    )
    message_status: MessageStatus = Field(
        description="After OASIS CAP. Exercise and Test must never reach real figures."
    )
    platform: str = Field(description="Code of the platform that issued the ticket.")
    created_at: AwareDatetime = Field(description="First revision was made (RFC 3339).")
    updated_at: AwareDatetime = Field(description="This revision was made (RFC 3339).")
    updated_by: UpdatedBy
    call: Call
    caller: Caller
    legs: list[Leg] = Field(description="Everybody who was or is on the call, oldest first.")
    transfers: list[Transfer] = Field(description="Hand-overs by voice, oldest first.")
    transcript: Transcript
    suggestion: Suggestion | None = Field(description="null: nothing was proposed (yet).")
    decision: Decision | None = Field(description="null: nobody has decided (yet).")
    ownership: Ownership | None = Field(
        default=None, description="Which centre accepts; null: nobody has said. Since 1.2."
    )
    callback: Callback | None = Field(
        default=None, description="null: the caller need not be called back. Since 1.2."
    )
    recording: Recording | None = Field(description="null: the call was not recorded.")
    links: Links


def duration_ms(span: timedelta) -> int:
    """Return `span` in whole milliseconds."""
    return span // timedelta(milliseconds=1)
