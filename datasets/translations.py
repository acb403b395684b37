"""Everyday sentences in English, with what they are in German and in French: the words, and the grammar that make.py builds them by."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Forms = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """`person` picks the form of the verb: he, we or they."""

    person: str
    en: str
    de: str
    fr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """Forms by person; the plain form is what follows "can"."""

    en: str  # plain; in the third person with an s
    en_he: str
    de: Forms
    fr: Forms


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A noun with its gender: in German m, f or n, in French m or f."""

    en: str
    de: tuple[str, str]
    fr: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """An adjective: English, the German stem, the French forms for m and f."""

    en: str
    de: str
    fr: tuple[str, str]


def _de(he: str, they: str) -> Forms:
    return {"he": he, "they": they, "we": they, "plain": they}


def _fr(he: str, they: str, we: str, plain: str) -> Forms:
    return {"he": he, "they": they, "we": we, "plain": plain}


SUBJECTS = (
    Subject(person="he", en="the teacher", de="der Lehrer", fr="le professeur"),
    Subject(person="he", en="my sister", de="meine Schwester", fr="ma sœur"),
    Subject(person="he", en="our neighbour", de="unser Nachbar", fr="notre voisin"),
    Subject(person="he", en="the old woman", de="die alte Frau", fr="la vieille femme"),
    Subject(person="he", en="the doctor", de="der Arzt", fr="le médecin"),
    Subject(person="he", en="Anna", de="Anna", fr="Anna"),
    Subject(person="they", en="the children", de="die Kinder", fr="les enfants"),
    Subject(person="they", en="my friends", de="meine Freunde", fr="mes amis"),
    Subject(person="they", en="his parents", de="seine Eltern", fr="ses parents"),
    Subject(person="we", en="we", de="wir", fr="nous"),
)
VERBS = (
    Verb(en="buy", en_he="buys", de=_de("kauft", "kaufen"), fr=_fr("achète", "achètent", "achetons", "acheter")),
    Verb(en="see", en_he="sees", de=_de("sieht", "sehen"), fr=_fr("voit", "voient", "voyons", "voir")),
    Verb(en="bring", en_he="brings", de=_de("bringt", "bringen"), fr=_fr("apporte", "apportent", "apportons", "apporter")),
    Verb(en="sell", en_he="sells", de=_de("verkauft", "verkaufen"), fr=_fr("vend", "vendent", "vendons", "vendre")),
    Verb(en="find", en_he="finds", de=_de("findet", "finden"), fr=_fr("trouve", "trouvent", "trouvons", "trouver")),
    Verb(en="clean", en_he="cleans", de=_de("putzt", "putzen"), fr=_fr("nettoie", "nettoient", "nettoyons", "nettoyer")),
    Verb(en="look for", en_he="looks for", de=_de("sucht", "suchen"), fr=_fr("cherche", "cherchent", "cherchons", "chercher")),
    Verb(en="take", en_he="takes", de=_de("nimmt", "nehmen"), fr=_fr("prend", "prennent", "prenons", "prendre")),
)
THINGS = (
    Thing(en="car", de=("Auto", "n"), fr=("voiture", "f")),
    Thing(en="book", de=("Buch", "n"), fr=("livre", "m")),
    Thing(en="table", de=("Tisch", "m"), fr=("table", "f")),
    Thing(en="lamp", de=("Lampe", "f"), fr=("lampe", "f")),
    Thing(en="bicycle", de=("Fahrrad", "n"), fr=("vélo", "m")),
    Thing(en="key", de=("Schlüssel", "m"), fr=("clé", "f")),
    Thing(en="umbrella", de=("Regenschirm", "m"), fr=("parapluie", "m")),
    Thing(en="picture", de=("Bild", "n"), fr=("tableau", "m")),
    Thing(en="bag", de=("Tasche", "f"), fr=("sac", "m")),
    Thing(en="cup", de=("Tasse", "f"), fr=("tasse", "f")),
    Thing(en="coat", de=("Mantel", "m"), fr=("manteau", "m")),
    Thing(en="suitcase", de=("Koffer", "m"), fr=("valise", "f")),
)
QUALITIES = (
    Quality(en="red", de="rot", fr=("rouge", "rouge")),
    Quality(en="blue", de="blau", fr=("bleu", "bleue")),
    Quality(en="green", de="grün", fr=("vert", "verte")),
    Quality(en="black", de="schwarz", fr=("noir", "noire")),
    Quality(en="white", de="weiß", fr=("blanc", "blanche")),
    Quality(en="heavy", de="schwer", fr=("lourd", "lourde")),
    Quality(en="broken", de="kaputt", fr=("cassé", "cassée")),
    Quality(en="empty", de="leer", fr=("vide", "vide")),
)
# English, German, French
TIMES = (
    ("today", "heute", "aujourd'hui"),
    ("every day", "jeden Tag", "tous les jours"),
    ("in the morning", "am Morgen", "le matin"),
    ("in the evening", "am Abend", "le soir"),
)
PLACES = (
    ("at the market", "auf dem Markt", "au marché"),
    ("in the kitchen", "in der Küche", "dans la cuisine"),
    ("in the garden", "im Garten", "dans le jardin"),
    ("at the station", "am Bahnhof", "à la gare"),
    ("in the city", "in der Stadt", "en ville"),
)
# What nobody translates word for word: English, German, French; several where several are as good.
SAYINGS: tuple[tuple[str, Sequence[str], Sequence[str]], ...] = (
    ("How are you?", ("Wie geht es dir?", "Wie geht es Ihnen?"), ("Comment allez-vous ?", "Comment vas-tu ?")),
    ("I am hungry.", ("Ich habe Hunger.", "Ich bin hungrig."), ("J'ai faim.",)),
    ("It is raining cats and dogs.", ("Es regnet in Strömen.", "Es gießt in Strömen."), ("Il pleut des cordes.",)),
    ("What time is it?", ("Wie spät ist es?", "Wie viel Uhr ist es?"), ("Quelle heure est-il ?",)),
    ("You are welcome.", ("Gern geschehen.", "Bitte schön."), ("De rien.", "Je vous en prie.")),
    ("I would like a cup of tea.", ("Ich hätte gern eine Tasse Tee.",), ("Je voudrais une tasse de thé.",)),
    ("My name is Anna.", ("Ich heiße Anna.", "Mein Name ist Anna."), ("Je m'appelle Anna.",)),
    ("She is twenty years old.", ("Sie ist zwanzig Jahre alt.",), ("Elle a vingt ans.",)),
    ("Good luck!", ("Viel Glück!",), ("Bonne chance !",)),
    ("See you tomorrow.", ("Bis morgen.",), ("À demain.",)),
)

_ARTICLE_DE = {("the", "m"): "den", ("the", "f"): "die", ("the", "n"): "das", ("a", "m"): "einen", ("a", "f"): "eine", ("a", "n"): "ein"}
_ARTICLE_FR = {("the", "m"): "le", ("the", "f"): "la", ("a", "m"): "un", ("a", "f"): "une"}
_ENDING_DE = {("the", "m"): "en", ("the", "f"): "e", ("the", "n"): "e", ("a", "m"): "en", ("a", "f"): "e", ("a", "n"): "es"}
_CAN_DE, _CAN_FR = {"he": "kann", "they": "können", "we": "können"}, {"he": "peut", "they": "peuvent", "we": "pouvons"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One sentence in both languages; the first of several is the plainest."""

    en: str
    de: Sequence[str]
    fr: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a sentence is put together from, by language."""

    subject: Subject
    verb: Verb
    thing: Mapping[str, str]
    time: tuple[str, str, str]
    place: tuple[str, str, str]


def _statement(parts: Parts) -> Said:
    """The time stands last in English; in German next to the verb or, as often, first."""
    subject, verb, thing, time = parts.subject, parts.verb, parts.thing, parts.time
    de, fr = verb.de[subject.person], verb.fr[subject.person]
    return Said(
        en=f"{subject.en} {_s(parts)} {thing['en']} {time[0]}.",
        de=(f"{subject.de} {de} {time[1]} {thing['de']}.", f"{time[1]} {de} {subject.de} {thing['de']}."),
        fr=(f"{subject.fr} {fr} {thing['fr']} {time[2]}.", f"{time[2]}, {subject.fr} {fr} {thing['fr']}."),
    )


def _at_a_place(parts: Parts) -> Said:
    subject, verb, thing, place = parts.subject, parts.verb, parts.thing, parts.place
    de, fr = verb.de[subject.person], verb.fr[subject.person]
    return Said(
        en=f"{subject.en} {_s(parts)} {thing['en']} {place[0]}.",
        de=(f"{subject.de} {de} {thing['de']} {place[1]}.",),
        fr=(f"{subject.fr} {fr} {thing['fr']} {place[2]}.",),
    )


def _question(parts: Parts) -> Said:
    subject, verb, thing = parts.subject, parts.verb, parts.thing
    do = "does" if subject.person == "he" else "do"
    que = "qu'" if subject.fr[0] in "AEae" else "que "
    return Said(
        en=f"{do} {subject.en} {verb.en} {thing['en']}?",
        de=(f"{verb.de[subject.person]} {subject.de} {thing['de']}?",),
        fr=(f"est-ce {que}{subject.fr} {verb.fr[subject.person]} {thing['fr']} ?",),
    )


def _ability(parts: Parts) -> Said:
    subject, verb, thing, place = parts.subject, parts.verb, parts.thing, parts.place
    return Said(
        en=f"{subject.en} can {verb.en} {thing['en']} {place[0]}.",
        de=(f"{subject.de} {_CAN_DE[subject.person]} {place[1]} {thing['de']} {verb.de['plain']}.",),
        fr=(f"{subject.fr} {_CAN_FR[subject.person]} {verb.fr['plain']} {thing['fr']} {place[2]}.",),
    )


def _denial(parts: Parts) -> Said:
    subject, verb, thing = parts.subject, parts.verb, parts.thing
    do = "does" if subject.person == "he" else "do"
    fr = verb.fr[subject.person]
    return Said(
        en=f"{subject.en} {do} not {verb.en} {thing['the']}.",
        de=(f"{subject.de} {verb.de[subject.person]} {thing['das']} nicht.",),
        fr=(f"{subject.fr} {'n' + chr(39) if fr[0] in 'aeé' else 'ne '}{fr} pas {thing['le']}.",),
    )


FORMS: Sequence[Callable[[Parts], Said]] = (_statement, _statement, _at_a_place, _question, _ability, _denial)


def _s(parts: Parts) -> str:
    return parts.verb.en_he if parts.subject.person == "he" else parts.verb.en


def _thing(thing: Thing, quality: Quality | None, article: str) -> dict[str, str]:
    """The thing as an object, with the article that is asked for; under the, das and le with the definite one."""
    return {
        "en": _thing_en(thing, quality, article),
        "de": _thing_de(thing, quality, article),
        "fr": _thing_fr(thing, quality, article),
        "the": _thing_en(thing, quality, "the"),
        "das": _thing_de(thing, quality, "the"),
        "le": _thing_fr(thing, quality, "the"),
    }


def _thing_en(thing: Thing, quality: Quality | None, article: str) -> str:
    named = f"{quality.en} {thing.en}" if quality else thing.en
    return f"{'an' if article == 'a' and named[0] in 'aeiou' else article} {named}"


def _thing_de(thing: Thing, quality: Quality | None, article: str) -> str:
    noun, gender = thing.de
    described = f"{quality.de}{_ENDING_DE[article, gender]} " if quality else ""
    return f"{_ARTICLE_DE[article, gender]} {described}{noun}"


def _thing_fr(thing: Thing, quality: Quality | None, article: str) -> str:
    noun, gender = thing.fr
    described = f" {quality.fr[gender == 'f']}" if quality else ""
    return f"{_ARTICLE_FR[article, gender]} {noun}{described}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def sentence(chance: random.Random) -> Said:
    """A sentence by chance, its first letters large."""
    quality = chance.choice((None, *QUALITIES))
    parts = Parts(
        subject=chance.choice(SUBJECTS),
        verb=chance.choice(VERBS),
        thing=_thing(chance.choice(THINGS), quality, chance.choice(("the", "a"))),
        time=chance.choice(TIMES),
        place=chance.choice(PLACES),
    )
    said = chance.choice(FORMS)(parts)
    return Said(en=_capital(said.en), de=[_capital(text) for text in said.de], fr=[_capital(text) for text in said.fr])


def rows(count: int, chance: random.Random) -> list[dict[str, Any]]:
    """`count` different sentences, each into German or French by turns; all sayings into both, spread among them."""
    said = {text.en: text for text in (sentence(chance) for _ in range(4 * count))}
    plain = [(text, language) for text, language in zip(said.values(), ("de", "fr") * 2 * count, strict=False)][: count - 2 * len(SAYINGS)]
    sayings = [(Said(en=en, de=de, fr=fr), language) for en, de, fr in SAYINGS for language in ("de", "fr")]
    mixed = plain + sayings
    chance.shuffle(mixed)
    return [
        {
            "id": f"sent-{number:04d}",
            "target_lang": language,
            "source": text.en,
            "translations": list(text.de if language == "de" else text.fr),
        }
        for number, (text, language) in enumerate(mixed, 1)
    ]
