"""Fuzzing and abuse of the lab's PBX and gateway by strangers, phones and programs."""
