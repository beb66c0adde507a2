"""Who controls the PBX (ADR 0023), as the PBX itself has it."""

from gateway.telephony.claim import BEAT, CONTROLLER, STALE_S, is_nobody
from gateway.telephony.doctor_finding import Finding, ok, warn
from gateway.telephony.doctor_witness import Witness
from gateway.telephony.identity import process_is_gone, whose

_NAME = "controller"
_NATIVE = "keys act natively, calls go on"


def check_controller(witness: Witness) -> Finding:
    """Nobody is no fault: the doctor is asked before the gateway is started, too."""
    holder, beat = _global(witness, CONTROLLER), _global(witness, BEAT)
    if is_nobody(holder):
        return ok(_NAME, f"nobody: {_NATIVE}")
    who = whose(holder)
    if process_is_gone(holder):
        remedy = "see its log for why it ended, and start it: `systemctl start liandong`"
        return warn(_NAME, f"{who}, which has ended in disorder: {_NATIVE}", remedy)
    age_s = _pbx_time(witness) - float(beat if beat.isdigit() else 0)
    if abs(age_s) > STALE_S:
        remedy = "does it hang, or not reach the PBX? see its log; a stand-by follows by itself"
        return warn(_NAME, f"{who}, whose beat is older than {STALE_S:g} s: {_NATIVE}", remedy)
    return ok(_NAME, f"{who}; its last beat is {max(age_s, 0):.0f} s old")


def _global(witness: Witness, name: str) -> str:
    return witness.ask("Getvar", {"Variable": name}).headers.get("Value", "")


def _pbx_time(witness: Witness) -> float:
    """Epoch seconds by the PBX's clock, in which the beat is told."""
    return float(witness.ask("Ping").headers.get("Timestamp", "0"))
