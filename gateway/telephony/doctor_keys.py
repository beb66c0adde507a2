"""The operators' keys: features in a bridge, menu entries in a room, and what shadows them."""

from collections.abc import Iterable
from itertools import permutations

from gateway.settings import Settings
from gateway.telephony import doctor_expect as expect
from gateway.telephony import doctor_parse as parse
from gateway.telephony.doctor_dialplan import Dialplan
from gateway.telephony.doctor_finding import Finding, fail, ok, warn

_INCLUDE = "features.conf: #include liandong/features_liandong.conf; then `module reload features`"
_ROOM = "confbridge.conf: #include liandong/confbridge_liandong.conf; then `module reload`"


def examine_keys(
    feature_lines: Iterable[str], menu_lines: Iterable[str], plan: Dialplan, settings: Settings
) -> list[Finding]:
    builtin, dynamic = parse.features(feature_lines)
    wanted = wanted_features(settings)
    return [
        *check_features(dynamic, {name: code for name, (code, _) in wanted.items()}),
        *check_menu(parse.menu(menu_lines), dict(wanted.values()) | sign_keys(settings)),
        *check_shadows(dynamic),
        *check_builtin(builtin, dynamic, plan),
    ]


def wanted_features(settings: Settings) -> dict[str, tuple[str, str]]:
    """Dynamic feature -> (code, extension of the room's key context)."""
    wanted = {
        f"ld_to_{link.target}": (link.key, f"transfer-{link.target}")
        for link in settings.links
        if link.key
    }
    for link in settings.links:
        if link.key:
            code = settings.keys.consults(link)
            wanted[f"ld_consult_{link.target}"] = (code, f"consult-{link.target}")
    for field, feature in expect.KEY_FEATURES.items():
        wanted[feature] = (getattr(settings.keys, field), expect.KEY_EXTENSIONS[field])
    return wanted


def sign_keys(settings: Settings) -> dict[str, str]:
    """The keys by which a person behind a trunk is known, where links ask for it."""
    asked = any(place.answered_by == "sign" for link in settings.links for place in link.places)
    return expect.SIGN_KEYS if asked else {}


def check_features(dynamic: dict[str, str], wanted: dict[str, str]) -> list[Finding]:
    findings = []
    for feature, code in wanted.items():
        if feature not in dynamic:
            findings.append(fail(f"feature {feature}", "not in the application map", _INCLUDE))
        elif dynamic[feature] != code:
            findings.append(
                fail(
                    f"feature {feature}",
                    f"the PBX says {dynamic[feature]}, our settings say {code}",
                    "make them equal: [applicationmap] of features.conf, [[links]] key and [keys]",
                )
            )
    return findings or [ok("features", " ".join(wanted.values()))]


def check_menu(menu: dict[str, str], wanted: dict[str, str]) -> list[Finding]:
    findings = []
    for code, exten in wanted.items():
        action = f"dialplan_exec({expect.ROOM_KEY_CONTEXT},{exten},1)"
        if menu.get(code) != action:
            have = menu.get(code, "nothing")
            detail = f"{code} does {have}: the key is dead or another in the room"
            findings.append(fail(f"room key {code}", detail, f"{_ROOM} ({code}={action})"))
    return findings or [ok("room keys", f"{expect.MENU}: {' '.join(wanted)}")]


def check_shadows(dynamic: dict[str, str]) -> list[Finding]:
    findings = [
        fail(
            f"feature {long}",
            f"{short}'s code {dynamic[short]} is the beginning of {dynamic[long]}: never reached",
            "features.conf: choose codes of which none begins another",
        )
        for short, long in permutations(dynamic, 2)
        if dynamic[short] and dynamic[long].startswith(dynamic[short])
    ]
    return findings or [ok("feature codes", "none is the beginning of another")]


def check_builtin(
    builtin: dict[str, str], dynamic: dict[str, str], plan: Dialplan
) -> list[Finding]:
    findings = []
    for feature, letters in expect.BUILTIN_FEATURES.items():
        code = builtin.get(feature, "")
        if not any(_clash(code, other) for other in dynamic.values()):
            continue
        live = _where_live(plan, letters)
        if live:
            findings.append(
                fail(
                    f"builtin {feature}",
                    f"its code {code} shadows our keys and is live in {', '.join(live)}",
                    f"remove options {' and '.join(letters)} from Queue() and Dial() there, or "
                    "give it another code in features.conf [featuremap]",
                )
            )
        elif code != "*":
            detail = f"its code {code} would shadow our keys; no Queue() or Dial() makes it live"
            findings.append(warn(f"builtin {feature}", detail, "features.conf: another code"))
    return findings or [ok("builtin features", "no live code shadows our keys")]


def _clash(code: str, other: str) -> bool:
    return bool(code and other) and (code.startswith(other) or other.startswith(code))


def _where_live(plan: Dialplan, letters: str) -> list[str]:
    return [
        name
        for name, context in plan.items()
        if any(
            step.app in {"Queue", "Dial"} and set(_options(step.app, step.args)) & set(letters)
            for step in context.steps
        )
    ]


def _options(app: str, args: str) -> dict[str, str]:
    parts = parse.arguments(args)
    position = 1 if app == "Queue" else 2
    return parse.options(parts[position]) if len(parts) > position else {}
