"""The dialplan: our contexts, the way of a call to its queue, and the targets of links."""

import re

from gateway.settings import CentreSettings, LinkSettings, PlaceSettings, Settings
from gateway.telephony import doctor_expect as expect
from gateway.telephony import doctor_parse as parse
from gateway.telephony.doctor_finding import Finding, fail, ok, warn
from gateway.telephony.doctor_parse import Context, Step

_LOCAL = re.compile(r"Local/(?P<exten>[^@]+)@(?P<context>[^/]+)(?P<flags>/\S+)?$")
_ANSWERS = {"Answer", "Progress", "Echo", "Record", "VoiceMail", "ConfBridge"}
_JUMPS = ("Goto", "Gosub", "ExecIf")

Dialplan = dict[str, Context]


def examine_dialplan(plan: Dialplan, settings: Settings) -> list[Finding]:
    findings = check_contexts(plan, settings)
    for centre in _with_queue(settings):
        findings += check_way_in(plan, centre)
    return findings + [
        check_target(plan, _place_name(link, number), place)
        for link in settings.links
        for number, place in enumerate(link.places)
    ]


def _with_queue(settings: Settings) -> list[CentreSettings]:
    return [centre for centre in settings.centres if centre.queue]


def check_contexts(plan: Dialplan, settings: Settings) -> list[Finding]:
    core = {name: list(extens) for name, extens in expect.CONTEXTS.items()}
    core[expect.ROOM_KEY_CONTEXT] += [
        f"{verb}-{link.target}" for link in settings.links for verb in ("transfer", "consult")
    ]
    include = "extensions.conf: #include liandong/extensions_liandong.conf; then `dialplan reload`"
    findings = _lacks(plan, core, include)
    centres = {expect.REQUEUE_CONTEXT: [centre.code for centre in _with_queue(settings)]}
    write = f"write [{expect.REQUEUE_CONTEXT}], see liandong/extensions_centres.conf"
    return (findings + _lacks(plan, centres, write)) or [
        ok("contexts", f"{len(core) + 1} of ours, complete")
    ]


def _lacks(plan: Dialplan, wanted: dict[str, list[str]], remedy: str) -> list[Finding]:
    findings = []
    for name, extens in wanted.items():
        have = plan[name].extensions if name in plan else {}
        missing = [exten for exten in dict.fromkeys(extens) if exten not in have]
        if missing:
            what = "lacks " + ", ".join(missing) if name in plan else "does not exist"
            findings.append(fail(f"context {name}", what, remedy))
    return findings


def check_way_in(plan: Dialplan, centre: CentreSettings) -> list[Finding]:
    """A call of `centre` passes liandong-call and reaches a queue with the right options."""
    name = f"calls to {centre.code}"
    enters = [context for context in plan if _enters(plan[context], centre.code)]
    if not enters:
        return [
            fail(
                name,
                f"no extension does Gosub({expect.ENTRY_CONTEXT},s,1({centre.code},...))",
                f"before Queue({centre.queue},...): Gosub({expect.ENTRY_CONTEXT},s,1"
                f"({centre.code},<the other centre>))",
            )
        ]
    queues = [
        (parse.arguments(step.args), steps[at + 1 :])
        for context in sorted(reachable(plan, enters))
        for steps in plan[context].extensions.values()
        for at, step in enumerate(steps)
        if step.app == "Queue"
    ]
    odd = _any_text(plan, enters, centre.code)
    ours = [found for found in queues if found[0][0] == centre.queue or "$" in found[0][0]]
    if not ours:
        return [
            fail(
                name,
                f"no Queue({centre.queue},...) on their way",
                f"send them to Queue({centre.queue},ciF({expect.LEFT_EXTENSION}))",
            )
        ]
    return odd + [
        finding
        for args, after in ours
        for finding in (_queue_options(name, args), *_after_queue(name, args, after))
    ]


def _any_text(plan: Dialplan, enters: list[str], code: str) -> list[Finding]:
    """Asterisk writes what such an extension took into its events, line ends included."""
    return [
        warn(
            f"way in {exten}",
            f"[{name}] {exten} takes any text for a number: strangers can add events of their own",
            "write the numbers out, or patterns without . and !",
        )
        for name in enters
        for exten, steps in plan[name].extensions.items()
        if re.fullmatch(r"_.*[.!]", exten) and _enters(Context({exten: steps}), code)
    ]


def _after_queue(name: str, args: list[str], after: list[Step]) -> list[Finding]:
    """Whoever comes out of the queue unserved, or under a pressed key, must not be hung up."""
    if after and after[0].app == "Goto" and after[0].args == expect.AFTER_QUEUE:
        return []
    then = f"{after[0].app}({after[0].args})" if after else "the end of the extension"
    return [
        fail(
            f"after {name}",
            f"after Queue({args[0]},...) comes {then}: callers whom nobody has served are dropped, "
            "and so is one whose operator hangs up right after a key",
            f"the very next line: Goto({expect.AFTER_QUEUE})",
        )
    ]


def _enters(context: Context, code: str) -> bool:
    call = re.compile(rf"{expect.ENTRY_CONTEXT},s,1\({re.escape(code)}[,)]")
    return any(step.app.startswith("Gosub") and call.search(step.args) for step in context.steps)


def reachable(plan: Dialplan, start: list[str]) -> set[str]:
    """Contexts that jumps lead to from `start`, without the ones ahead of it."""
    seen: set[str] = set()
    todo = list(start)
    while todo:
        name = todo.pop()
        if name in seen or name not in plan:
            continue
        seen.add(name)
        jumps = [step.args for step in plan[name].steps if step.app.startswith(_JUMPS)]
        todo += plan[name].includes
        todo += [to for to in plan if any(re.search(rf"(^|[?:(]){to},", args) for args in jumps)]
    return seen


def _queue_options(name: str, args: list[str]) -> Finding:
    shown = f"Queue({','.join(args)})"
    text = args[1] if len(args) > 1 else ""
    if "$" in text:
        return warn(name, f"{shown}: options in a variable", "write them out: c and F(), no h, H")
    given = parse.options(text)
    wrong = []
    if "c" not in given:
        wrong.append("no `c`: the caller is dropped when the operator hangs up")
    if given.get("F") != expect.LEFT_EXTENSION:
        wrong.append(f"no `F({expect.LEFT_EXTENSION})`: the operator is dropped by a transfer")
    if set(given) & {"h", "H"}:
        wrong.append("`h` or `H`: the code `*` hangs up before any key is complete")
    if wrong:
        good = f"Queue({args[0]},ciF({expect.LEFT_EXTENSION}))"
        return fail(name, f"{shown}: {'; '.join(wrong)}", f"use {good} with your own other options")
    if "i" not in given:
        forwards = "no `i`: a phone that answers 302 chooses whom the PBX dials for the caller"
        return warn(name, f"{shown}: {forwards}", "add `i` to its options")
    return ok(name, shown)


def _place_name(link: LinkSettings, number: int) -> str:
    name = f"link {link.source} to {link.target}"
    return f"{name}, place {number + 1}" if number else name


def check_target(plan: Dialplan, name: str, place: PlaceSettings) -> Finding:
    dial = place.dial
    found = _LOCAL.match(dial)
    if found is None:
        return ok(name, dial)
    context, exten = found["context"], found["exten"]
    if context not in plan or exten not in plan[context].extensions:
        return fail(
            name,
            f"{dial}: there is no {exten} in [{context}]",
            "write it, see liandong/extensions_centres.conf, or change it in this [[links]]",
        )
    early = [s.app for s in plan[context].extensions[exten] if s.app in _ANSWERS]
    if early and place.answered_by == "agent":
        return fail(
            name,
            f"[{context}] {exten} uses {early[0]}(): the caller is handed over before a person is",
            f"remove {early[0]}(): a target does not answer before its agent",
        )
    if "n" not in (found["flags"] or ""):
        return warn(name, f"{dial}: without /n the leg's channel is replaced", f"use {dial}/n")
    return ok(name, dial)
