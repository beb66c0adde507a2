"""The settings file of a lab town."""

from pathlib import Path
from typing import TYPE_CHECKING

from gateway.lab.trunk import other_centre

if TYPE_CHECKING:
    from gateway.lab.town import Town, TownPlan

_TEMPLATE = """\
message_status = "Test"

[switch]
host = "127.0.0.1"
port = {ami_port}
user = "liandong"
secret = "{ami_secret}"

{centres}{links}[redis]
url = "{redis}"

[ledger]
url = "sqlite+aiosqlite:///{ledger}"

[journal]
directory = "{folder}/journal"

[speech]
enabled = {speech}
model_dir = "{model}"

[orders]
url = "{orders}/tickets"
secret = "{order_secret}"
backoff_base_s = 0.2
backoff_max_s = 2.0

[api]
port = {api_port}

[recording]
directory = "{recordings}"
"""

_CENTRE = """\
[[centres]]
code = "{code}"
name = "{name}"
queue = "{queue}"
elsewhere = {elsewhere}

"""

_LINK = """\
[[links]]
source = "{source}"
target = "{target}"
dial = "Local/{target}@{context}/n"
key = "*{target}"
answered_by = "{answered_by}"
release = "{release}"
brief_s = {brief_s}
ring_s = {ring_s}
alive_s = {alive_s}
hunt = [{hunt}]

"""

_NAMES = {"12345": "12345政务服务便民热线", "110": "110报警服务台"}

_FIRE = """
[[centres]]
code = "119"
name = "119消防救援"

"""

_FIRE_LINK = """
[[links]]
source = "{source}"
target = "119"
dial = "{fire}"
key = "*119"
answered_by = "device"
release = "talk"
ring_s = {ring_s}
"""

_SEAT = """
[[seats]]
extension = "{user}"
endpoint = "PJSIP/{user}"
centre = "{centre}"
agent = "a{user}"
name = "{name}"
"""

_ACCESS = """
[[api.tokens]]
name = "{name}"
role = "{role}"
token = "{token}"
agent = "{agent}"
"""


def town_toml(town: "Town", model: Path) -> str:
    """The TOML text for `liandong serve` in `town`."""
    from gateway.lab.town import ORDER_SECRET, TOKENS, centre_of, is_seat, operator_token

    plan = town.plan
    text = _TEMPLATE.format(
        ami_port=town.pbx.config.ami_port,
        ami_secret=town.pbx.config.ami_secret,
        centres=_centres(plan),
        links=_links(plan),
        redis=town.redis.url,
        folder=town.folder,
        ledger=town.ledger,
        model=model,
        speech="true" if plan.speech else "false",
        orders=town.orders_url,
        order_secret=ORDER_SECRET,
        api_port=town.api_port,
        recordings=town.pbx.recordings,
    )
    if plan.fire:
        text += _FIRE
        for source in _here(plan):
            text += _FIRE_LINK.format(source=source, fire=plan.fire, ring_s=plan.ring_s)
    for account in town.accounts:
        centre = centre_of(account.user)
        if is_seat(account.user) and centre in _here(plan):
            text += _SEAT.format(user=account.user, centre=centre, name=account.display)
            text += _ACCESS.format(
                name=account.display,
                role="operator",
                token=operator_token(account.user),
                agent=f"a{account.user}",
            )
    for role, token in TOKENS.items():
        text += _ACCESS.format(name=role, role=role, token=token, agent="")
    return text


def _here(plan: "TownPlan") -> tuple[str, ...]:
    """The centres whose queue is on the gateway's switch."""
    return (plan.home,) if plan.home else ("12345", "110")


def _centres(plan: "TownPlan") -> str:
    here = _here(plan)
    return "".join(
        _CENTRE.format(
            code=code,
            name=name,
            queue=code if code in here else "",
            elsewhere=str(code not in here).lower(),
        )
        for code, name in _NAMES.items()
    )


def _links(plan: "TownPlan") -> str:
    text = ""
    for source in _here(plan):
        hunting = plan.hunt if source == "12345" or plan.home else ()
        text += _LINK.format(
            source=source,
            target=other_centre(source),
            context=plan.target_context,
            answered_by=_answered_by(plan),
            release=plan.release,
            brief_s=plan.brief_s,
            ring_s=plan.ring_s,
            alive_s=plan.alive_s,
            hunt=", ".join(f'{{dial = "{dial}", answered_by = "device"}}' for dial in hunting),
        )
    return text


def _answered_by(plan: "TownPlan") -> str:
    if not plan.home:
        return "agent"
    return "device" if plan.answers == "person" else "sign"
