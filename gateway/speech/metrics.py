"""Counters of the recognition worker. No label ever carries an id."""

from prometheus_client import Counter, Gauge, Histogram

STREAMS = Gauge("liandong_speech_streams", "Taps being listened to")
REFUSED = Counter("liandong_speech_refused", "Taps refused for want of capacity")
AUDIO_SECONDS = Counter("liandong_speech_audio_seconds", "Audio that came")
DECODED_SECONDS = Counter(
    "liandong_speech_decoded_seconds", "Audio given to a recogniser: speech, and a little around it"
)
DROPPED = Counter("liandong_speech_dropped_frames", "Frames dropped because recognition was behind")
GAPS = Counter("liandong_speech_gaps", "Gaps marked, by reason", ["why"])
PARTIALS = Counter("liandong_speech_partials", "Partial utterances")
FINALS = Counter("liandong_speech_finals", "Final utterances")
CRASHES = Counter("liandong_speech_crashes", "Errors raised inside a recogniser")
LIMIT = Gauge("liandong_speech_limit", "Taps that can be listened to, by the speed measured")
P95_WAIT = Gauge("liandong_speech_wait_p95_seconds", "p95 wait of the last 5 s; above 0.5 none new")
RECOGNISERS = Gauge("liandong_speech_recognisers", "Recognisers, at work or ready")
UNPUBLISHED = Gauge("liandong_speech_unpublished", "Events waiting for Redis")
DISCARDED = Counter(
    "liandong_speech_discarded", "Events given up because Redis was away too long", ["kind"]
)
LAG = Histogram(
    "liandong_speech_lag_seconds",
    "From the arrival of the end of speech to its published final utterance",
    buckets=(0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0),
)
WAIT = Histogram(
    "liandong_speech_wait_seconds",
    "From the arrival of audio to its words: the newest of each batch that was decoded",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0),
)
