"""Make the table of readings anew: ``python -m gateway.dispatch.sound_table``.

To be run after cues or place names have changed: a word that the table lacks is read by pypinyin,
to the same effect, half a second later.
"""

from collections import defaultdict
from collections.abc import Iterator

from pypinyin import lazy_pinyin
from pypinyin.constants import PINYIN_DICT

from gateway.dispatch import division_names, rules, taxonomy
from gateway.dispatch.datafile import packaged
from gateway.dispatch.matcher import STRONG
from gateway.dispatch.sound import TABLE, Table, flat, in_context


def usual(char: str) -> str:
    """Return the flat syllable of a character by itself, '' where it has none."""
    read = lazy_pinyin(char)
    if len(read) == 1 and read[0] != char and read[0].isascii() and read[0].isalpha():
        return flat(read[0])
    return ""


def texts() -> set[str]:
    """Return every cue and place name that is looked for by its sound."""
    book = rules.load(taxonomy.load())
    strong = (r for r in (*book.cues.rules, *book.danger.rules) if r.weight >= STRONG)
    cues = [cue for rule in strong for cue in rule.cues]
    said = {text for cue in cues for slot in rules.slots(cue) for text in slot.texts}
    named = {
        called.name
        for place in division_names.read()
        for called in division_names.called(place)
        if not called.written
    }
    return {text for text in said | named if len(text) > 1}


def make() -> Table:
    """Return the table, by pypinyin."""
    every = {char: usual(char) for char in map(chr, sorted(PINYIN_DICT))}
    chars = {char: syllable for char, syllable in every.items() if syllable}
    words: dict[str, tuple[str, ...]] = {}
    for text in sorted(texts()):
        if all(char in chars for char in text):
            read = in_context(text)
            words[text] = () if read == tuple(chars[char] for char in text) else read
    return Table(chars, words)


def lines(table: Table) -> Iterator[str]:
    """Yield the lines of the table's file."""
    alike: dict[str, list[str]] = defaultdict(list)
    for char, syllable in table.chars.items():
        alike[syllable].append(char)
    yield from (f"{syllable} {''.join(chars)}" for syllable, chars in sorted(alike.items()))
    yield ""
    yield from (" ".join((word, *read)) for word, read in table.words.items())


if __name__ == "__main__":
    packaged(TABLE).write_text("\n".join(lines(make())) + "\n", "utf-8")
