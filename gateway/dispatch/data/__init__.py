"""Dispatch data: the diversion lists and the cue rules, versioned apart from the code."""
