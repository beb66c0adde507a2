"""UUIDv7 (RFC 9562, section 5.7)."""

import uuid

from gateway.ids import call_id, new_id, uuid7


def test_version_variant_and_time_are_where_the_rfc_has_them() -> None:
    for entropy in (b"\x00" * 10, b"\xff" * 10):
        made = uuid7(0x017F22E279B0, entropy)
        assert made.version == 7
        assert made.variant == uuid.RFC_4122
        assert made.int >> 80 == 0x017F22E279B0


def test_the_rfcs_own_example() -> None:
    """RFC 9562, appendix A.6."""
    entropy = bytes.fromhex("0cc3") + bytes.fromhex("18c4dc0c0c07398f")
    assert str(uuid7(0x017F22E279B0, entropy)) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_ids_sort_by_time() -> None:
    older, newer = uuid7(1_000, b"\xff" * 10), uuid7(1_001, b"\x00" * 10)
    assert str(older) < str(newer)


def test_new_ids_differ() -> None:
    assert len({new_id() for _ in range(1000)}) == 1000


def test_the_same_entropy_makes_the_same_id() -> None:
    assert uuid7(5, b"0123456789") == uuid7(5, b"0123456789")


def test_a_call_has_the_same_id_whoever_finds_it() -> None:
    room, pbx = "ld-1795341072.17", "127.0.0.1:5038"
    assert call_id(room, pbx) == call_id(room, pbx)
    assert uuid.UUID(call_id(room, pbx)).version == 7
    assert call_id(room, pbx) < call_id("ld-1795341072.18", pbx) < call_id("ld-1795341073.1", pbx)
    assert call_id(room, pbx) != call_id(room, "10.0.0.7:5038")
    assert call_id("ld-north-1795341072.17", pbx) != call_id(room, pbx)
    assert call_id("ld-1.1", pbx) != call_id("ld-1.1", pbx)
