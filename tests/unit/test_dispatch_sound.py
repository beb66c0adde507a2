"""The table of readings says what pypinyin says, and what it lacks is read all the same."""

import pytest
from pypinyin.constants import PINYIN_DICT

from gateway.dispatch import sound, sound_table

TABLE = sound.read()


@pytest.mark.parametrize("part", range(4))
def test_characters_have_the_readings_of_pypinyin(part: int) -> None:
    chars = [chr(code) for code in sorted(PINYIN_DICT)][part * 10_000 :: 97]
    assert len(chars) > 100
    for char in chars:
        assert TABLE.chars.get(char, "") == sound_table.usual(char)


def test_words_have_the_readings_of_pypinyin() -> None:
    words = list(TABLE.words)[::29]
    assert len(words) > 200
    for word in words:
        usual = tuple(TABLE.chars[char] for char in word)
        assert (TABLE.words[word] or usual) == sound.in_context(word)


def test_a_heteronym_is_read_in_context_whether_the_table_has_the_word_or_not() -> None:
    assert "重要银行" not in TABLE.words
    assert sound.phrase("重要银行") == sound.heard("众要银航")
    assert sound.heard("行") != sound.heard("航")


def test_what_is_no_syllable_is_silent() -> None:
    assert sound.heard("a1，😀") == (sound.SILENT,) * 4
    assert sound.phrase("刀a") is None
    assert sound.syllables("刀a") == ["dao", "a"]


def test_what_recognition_confuses_sounds_alike() -> None:
    assert sound.heard("中精") == sound.heard("宗今")


def test_the_file_is_what_is_read_from_it() -> None:
    lines = list(sound_table.lines(TABLE))
    assert "\n".join(lines) + "\n" == sound.packaged(sound.TABLE).read_text("utf-8")
