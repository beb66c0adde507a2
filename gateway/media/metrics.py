"""Counters of the AudioSocket server. No label ever carries an id."""

from prometheus_client import Counter, Gauge

CONNECTIONS = Gauge("liandong_audiosocket_connections", "Open AudioSocket connections")
FRAMES = Counter("liandong_audiosocket_frames", "Audio frames received")
CLOSED = Counter("liandong_audiosocket_closed", "Connections closed, by reason", ["why"])
SKIPPED = Counter("liandong_audiosocket_silence_skipped", "Silence frames a slow peer did not take")
