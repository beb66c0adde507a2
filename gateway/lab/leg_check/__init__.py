"""The leg log beside what goes over the wire: 30 mixed calls, their SIP and keys captured."""
