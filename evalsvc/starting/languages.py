"""Columns that are called after a language."""

import re
from collections.abc import Mapping
from typing import Final

LANGUAGES: Final[Mapping[str, str]] = {
    "ar": "Arabic",
    "cs": "Czech",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sv": "Swedish",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "zh": "Chinese",
}
_BY_NAME: Final = {**LANGUAGES, **{name.lower(): name for name in LANGUAGES.values()}}


def language(column: str) -> str | None:
    """The language that a column is called after.

    >>> language("de"), language("English"), language("en_text"), language("id")
    ('German', 'English', 'English', None)
    """
    return _BY_NAME.get(re.sub(r"_(?:text|sentence|source|target)$", "", re.sub(r"[ -]", "_", column.strip().lower())))
