"""The first switch of two has the admin's way to the other centre in place of the sample's."""

from gateway.lab.asterisk_lab import DIALPLANS, without_target
from gateway.lab.trunk import first_conf

SAMPLE = (DIALPLANS / "extensions_centres.conf").read_text("utf-8")


def test_only_the_way_to_that_target_is_left_out() -> None:
    left = without_target(SAMPLE, "110")
    gone = set(SAMPLE.splitlines()) - set(left.splitlines())
    assert len(SAMPLE.splitlines()) - len(left.splitlines()) == 3
    assert any(line.startswith("exten => 110,1,Set(QUEUE_PRIO=${IF") for line in gone)
    assert "exten => 12345,1,Set(QUEUE_PRIO=50)" in left


def test_the_admins_own_lines_are_those_of_the_manual() -> None:
    manual = (DIALPLANS.parent / "docs/pbx.md").read_text("utf-8")
    lines = [line for line in first_conf("12345", "person").splitlines() if "110" in line]
    own = next(line for line in lines if line.startswith("exten")).replace("@peer", "@police")
    assert own in manual
