"""The people of a scene, as the end-to-end tests know them: see `gateway.lab.scene`."""

from gateway.lab.scene import (
    BUSY,
    CITIZEN_HZ,
    CITIZEN_NUMBER,
    DECLINE,
    OFFICER_HZ,
    OPERATOR_HZ,
    RING_FOREVER,
    Scene,
    open_scene,
    until,
)

__all__ = [
    "BUSY",
    "CITIZEN_HZ",
    "CITIZEN_NUMBER",
    "DECLINE",
    "OFFICER_HZ",
    "OPERATOR_HZ",
    "RING_FOREVER",
    "Scene",
    "open_scene",
    "until",
]
