"""After a lost AMI connection: which of our channels are gone?"""

from gateway.telephony.ami_port import Ami


async def live_channels(ami: Ami) -> set[str]:
    """Unique ids of every channel on the PBX. Raises SwitchError."""
    reply = await ami.collect("CoreShowChannels")
    return {event.get("Uniqueid") for event in reply.events}
