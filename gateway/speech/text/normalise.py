"""From what a recogniser said to what a person reads: spaces, names, numbers.

`text_raw` is kept beside it everywhere; nothing here may lose an utterance.
"""

import re

from gateway.dispatch import advice, division_names
from gateway.errors import ConfigError
from gateway.log import get
from gateway.settings import Settings
from gateway.speech.text import around, kept, register, words
from gateway.speech.text.names import Names
from gateway.speech.text.numbers import Numbers
from gateway.speech.text.numerals import ALL
from gateway.speech.text.reader import WeTextReader
from gateway.speech.text.spaces import plain

log = get("speech")

_PIECE = re.compile(r".{1,400}", re.DOTALL)
"""Longer than anything that is said in one breath: a rule never looks at more at once."""


class Normaliser:
    """`text_raw` to `text`; shared by threads. Without parts it only takes the spaces out."""

    def __init__(self, names: Names | None = None, numbers: Numbers | None = None) -> None:
        self._steps = [
            *([("names", names.correct)] if names else []),
            *([("numbers", numbers.write)] if numbers else []),
        ]

    def normalise(self, text_raw: str) -> str:
        """Return the text to read; cost linear in its length. Never raises for any str.

        A step that fails is left out, and told in the log.
        """
        text = plain(text_raw)
        for name, step in self._steps:
            try:
                written = "".join(step(piece) for piece in _PIECE.findall(text))
            except Exception:
                # An utterance outweighs its spelling. The log leaves out what the error says.
                log.exception("speech.not_normalised", step=name)
                continue
            # A text that was there must not vanish.
            text = written or text
        return text


def load(settings: Settings) -> Normaliser:
    """Return the normaliser that `settings` ask for; takes a second: use a thread.

    Raises ConfigError for an unknown area or an unreadable names file.
    """
    speech = settings.speech
    if not speech.normalise:
        return Normaliser()
    places = division_names.read()
    ours = names_of(settings, places)
    numbered = [name.stem for name in ours if any(char in ALL for char in name.stem)]
    numbers = Numbers(WeTextReader(), [*kept.words(), *numbered])
    names = None
    if speech.correct_names:
        elsewhere = [name.stem for name in register.of_areas((), places)]
        names = Names(ours, words.load(), around.load(), elsewhere)
    normaliser = Normaliser(names, numbers)
    # What is loaded at first use is loaded now, not in a call.
    normaliser.normalise("一百二十三")
    return normaliser


def names_of(settings: Settings, places: list[division_names.Division]) -> list[register.Name]:
    """Return the names of the gateway's area, its units, and the administrator's file."""
    profiles = {one.id: one for one in advice.load().profile}
    profile = next((one for one in profiles.values() if one.id == settings.platform), None)
    speech = settings.speech
    areas = speech.name_areas or ([profile.area] if profile and profile.area else [])
    for area in areas:
        if not any(place.code.startswith(area) for place in places):
            raise ConfigError(
                f"[speech] name_areas: {area} is no division of the register; give codes such as "
                "321323 (泗阳县) or 12 (天津市), or none for the area of `platform`"
            )
    ours = register.of_areas(areas, places)
    if profile:
        ours += register.of_units(profile.id)
    if speech.names_file:
        ours += register.of_file(speech.names_file, around.load().tails)
    return ours
