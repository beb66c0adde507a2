"""What the doctor expects of a PBX: data only. A test compares it with `dialplans/`."""

MIN_VERSION = (20, 0, 0)

BROKEN_VERSIONS = {
    (22, 11, 0): "bridging of spied channels is broken (Asterisk issue 2134): taps can cut calls",
}

READ_RIGHTS = {
    "system": "FullyBooted: when the PBX can take calls",
    "call": "channels, answers, rooms, hang-ups",
    "user": "keys and calls announced by our dialplan",
    "agent": "which person of a queue has answered",
}
WRITE_RIGHTS = {
    "call": "Redirect, Setvar, Hangup",
    "originate": "ring the target, open taps",
    "reporting": "CoreShowChannels after a lost connection, the PBX's version",
    "command": "this doctor's questions",
}

MODULES = {
    "app_queue.so": "calls reach operators",
    "app_dial.so": "calls reach phones",
    "app_confbridge.so": "rooms",
    "bridge_softmix.so": "rooms",
    "app_channelredirect.so": "native transfer",
    "app_originate.so": "native transfer",
    "app_userevent.so": "keys reach the gateway",
    "app_stack.so": "Gosub",
    "app_exec.so": "ExecIf",
    "app_playback.so": "announcements",
    "app_playtones.so": "ringing tone while a target rings",
    "app_mixmonitor.so": "recording",
    "format_wav.so": "recording",
    "app_chanspy.so": "taps",
    "chan_audiosocket.so": "taps",
    "res_audiosocket.so": "taps",
    "codec_resample.so": "taps at 16 kHz",
    "res_musiconhold.so": "music for a caller on hold",
    "func_callerid.so": "CALLERID()",
    "func_channel.so": "CHANNEL()",
    "func_cdr.so": "taps stay out of CDRs",
    "func_dialplan.so": "DIALPLAN_EXISTS()",
    "func_global.so": "SHARED()",
    "func_groupcount.so": "GROUP(): which target still rings",
    "func_logic.so": "IF(), IMPORT()",
    "func_strings.so": "FILTER(), STRFTIME()",
    "pbx_config.so": "extensions.conf",
}
"""Module: what needs it."""

TIMING_MODULES = ("res_timing_timerfd.so", "res_timing_pthread.so", "res_timing_kqueue.so")

CONTEXTS = {
    "liandong-call": ("s",),
    "liandong-key": ("s",),
    "liandong-native": (
        "bridge",
        "room",
        "consult-bridge",
        "consult-room",
        "aside",
        "expect",
        "ring",
        "_X.",
        "over",
        "stop",
        "stopped",
    ),
    "liandong-room": (
        "caller",
        "rejoin",
        "back",
        "enter",
        "agent",
        "target",
        "left",
        "consult",
        "consulted",
        "leave",
    ),
    "liandong-hold": ("s", "wish"),
    "liandong-alone": ("s", "queue", "announce"),
    "liandong-refer": ("_X.",),
    "liandong-refer-code": ("_XXX", "_XXXX", "_XXXXX", "_XXXXXX"),
    "liandong-room-key": ("three", "back", "release", "drop", "signed"),
    "liandong-trunk": ("s", "told"),
    "liandong-sign": ("s",),
    "liandong-ring": ("s",),
    "liandong-tell": ("say", "ear"),
    "liandong-tap": ("s",),
}
"""Context: its extensions, in `extensions_liandong.conf`."""

REQUEUE_CONTEXT = "liandong-requeue"
"""One extension for each centre code; written by the admin, see `extensions_centres.conf`."""

ROOM_KEY_CONTEXT = "liandong-room-key"
ENTRY_CONTEXT = "liandong-call"
LEFT_EXTENSION = "liandong-room^left^1"
AFTER_QUEUE = "liandong-alone,queue,1"
"""Where a call of ours goes when Queue() is done with it."""

KEY_FEATURES = {
    "three_way": "ld_three",
    "back": "ld_back",
    "release": "ld_release",
    "drop": "ld_drop",
}
"""Field of `[keys]` in our settings: dynamic feature in `features_liandong.conf`."""

KEY_EXTENSIONS = {"three_way": "three", "back": "back", "release": "release", "drop": "drop"}
"""Field of `[keys]`: extension of `liandong-room-key` in the room's menu."""

SIGN_KEYS = {"1": "signed", "D": "signed"}
"""Keys from the target's side, in the room's menu: extension of `liandong-room-key`."""

USER_PROFILES = {
    "liandong_caller": {
        "Quiet": "enabled",
        "Marked User": "false",
        "END Marked (All)": "enabled",
        "Wait Marked": "disabled",
        "Start Muted": "false",
        "MOH When Empty": "disabled",
    },
    "liandong_agent": {
        "Quiet": "enabled",
        "Marked User": "true",
        "END Marked (All)": "disabled",
        "Wait Marked": "disabled",
        "Start Muted": "false",
        "MOH When Empty": "disabled",
    },
    "liandong_consulted": {
        "Quiet": "enabled",
        "Marked User": "false",
        "END Marked (All)": "enabled",
        "Wait Marked": "disabled",
        "Start Muted": "false",
        "MOH When Empty": "disabled",
    },
}
"""As `confbridge show profile user` prints them. The caller waits on a marked member: with an
unmarked agent the caller would be alone in the room."""

BRIDGE_PROFILES = {"liandong_bridge": {"Record Conference": "no"}}
MENU = "liandong_menu"

BUILTIN_FEATURES = {
    "Blind Transfer": "tT",
    "Attended Transfer": "tT",
    "Disconnect Call": "hH",
    "Park Call": "kK",
    "One Touch MixMonitor": "xX",
}
"""Builtin feature: the Dial()/Queue() options that make its code live."""
