"""The settings file of a lab town."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.lab.town import Town

_TEMPLATE = """\
message_status = "Test"

[switch]
host = "127.0.0.1"
port = {ami_port}
user = "liandong"
secret = "{ami_secret}"

[[centres]]
code = "12345"
name = "12345政务服务便民热线"
queue = "12345"

[[centres]]
code = "110"
name = "110报警服务台"
queue = "110"

[[links]]
source = "12345"
target = "110"
dial = "Local/110@{target_context}/n"
key = "*110"
release = "{release}"
brief_s = {brief_s}
ring_s = {ring_s}
hunt = [{hunt}]

[[links]]
source = "110"
target = "12345"
dial = "Local/12345@liandong-target/n"
key = "*12345"
release = "{release}"
brief_s = {brief_s}
ring_s = {ring_s}

[redis]
url = "{redis}"

[ledger]
url = "sqlite+aiosqlite:///{ledger}"

[journal]
directory = "{folder}/journal"

[speech]
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

_FIRE = """
[[centres]]
code = "119"
name = "119消防救援"

[[links]]
source = "12345"
target = "119"
dial = "{fire}"
key = "*119"
answered_by = "device"
release = "talk"
ring_s = {ring_s}

[[links]]
source = "110"
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
    from gateway.lab.town import ACCOUNTS, ORDER_SECRET, TOKENS, operator_token

    plan = town.plan
    text = _TEMPLATE.format(
        ami_port=town.pbx.config.ami_port,
        ami_secret=town.pbx.config.ami_secret,
        target_context=plan.target_context,
        release=plan.release,
        brief_s=plan.brief_s,
        ring_s=plan.ring_s,
        hunt=", ".join(f'{{dial = "{dial}", answered_by = "device"}}' for dial in plan.hunt),
        redis=town.redis.url,
        folder=town.folder,
        ledger=town.ledger,
        model=model,
        orders=town.orders_url,
        order_secret=ORDER_SECRET,
        api_port=town.api_port,
        recordings=town.pbx.recordings,
    )
    if plan.fire:
        text += _FIRE.format(fire=plan.fire, ring_s=plan.ring_s)
    for account in ACCOUNTS:
        if account.kind == "seat":
            centre = "12345" if account.user.startswith("1") else "110"
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
