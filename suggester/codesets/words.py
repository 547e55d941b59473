"""How words are cut and reduced, the same for code titles, lexicons, queries and notes.

A *word* is what ``WORD`` matches. Its *stem* is the folded, lower-case word without possessive and plural
endings; that is all the morphology done by rule. Irregular forms are data (``synonyms/word_forms.tsv``).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:['’][^\W_]{1,2}(?![^\W_]))?")
"""A number with decimals, or letters and digits with an optional short tail after an apostrophe."""

NOT_CLASSIFIED = re.compile(
    r"\b(?:not (?:elsewhere|otherwise) (?:classified|specified|classifiable)|not classified elsewhere)\b",
    re.IGNORECASE,
)
"""Phrases of official titles that say nothing of the patient; any other *not* is a word that counts."""

NEUTRAL = frozenset(
    [
        "unspecified",
        "other",
        "specified",
        "elsewhere",
        "classified",
        "classifiable",
        "nos",
        "nec",
        "personal",
        "encounter",
        "presence",
        "certain",
        "various",
    ]
)
"""Words of official titles that no clinician writes; they say nothing about what the note must hold."""

_PLURAL_KEEP = ("ss", "us", "is", "as", "os", "xs")


@lru_cache(maxsize=200_000)
def fold(word: str) -> str:
    """Lower case without accents: ``Sjögren`` becomes ``sjogren``."""
    lowered = word.lower().replace("’", "'")
    if lowered.isascii():
        return lowered
    decomposed = unicodedata.normalize("NFKD", lowered)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


_BRITISH = (
    *(
        ("haem", "hem"),
        ("lloedem", "lledem"),
        ("oedem", "edem"),
        ("aemi", "emi"),
        ("oesoph", "esoph"),
        ("aesth", "esth"),
    ),
    *(("rrhoe", "rrhe"), ("pnoe", "pne"), ("gynaec", "gynec"), ("paed", "ped"), ("caec", "cec")),
    *(("ischaem", "ischem"), ("leucocyt", "leukocyt"), ("leucopen", "leukopen"), ("foet", "fet")),
    *(("faec", "fec"), ("anaem", "anem"), ("aetiol", "etiol"), ("uraem", "urem"), ("coeliac", "celiac")),
    *(("oestr", "estr"), ("phaeo", "pheo"), ("sulph", "sulf"), ("tumour", "tumor"), ("colour", "color")),
    *(("behaviour", "behavior"), ("labour", "labor"), ("odour", "odor"), ("vapour", "vapor")),
    *(("goitre", "goiter"), ("centre", "center"), ("fibre", "fiber"), ("calibre", "caliber")),
    *(("manoeuv", "maneuv"), ("amoeb", "ameb"), ("mould", "mold"), ("grey", "gray"), ("isation", "ization")),
    *(("ageing", "aging"), ("aluminium", "aluminum"), ("neurone", "neuron"), ("moustache", "mustache")),
)
"""How British spelling writes parts of words, and how American spelling does."""
_AMERICAN = dict(_BRITISH)
_IS_BRITISH = re.compile("|".join(british for british, _ in _BRITISH))


def american(word: str) -> str:
    """A lower-case word as American spelling has it.

    >>> american("haemorrhage"), american("papilloedema"), american("thrombocythaemia"), american("hour")
    ('hemorrhage', 'papilledema', 'thrombocythemia', 'hour')
    """
    return _IS_BRITISH.sub(lambda found: _AMERICAN[found[0]], word)


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Stem of one word: folded, in American spelling, possessive and regular plural endings removed.

    *Can't* is *cannot*.

    >>> stem("Crohn's"), stem("fractures"), stem("biopsies"), stem("diagnoses"), stem("oedema")
    ('crohn', 'fracture', 'biopsy', 'diagnosis', 'edema')
    """
    text = american(fold(word))
    if "'" in text:
        if text == "can't":
            return "cannot"  # "can't sleep" says more than "sleep"
        text = text.partition("'")[0]
    if len(text) < 4 or not text.endswith(("s", "ae")):
        return text
    if text.endswith("ae"):
        return text[:-1] if len(text) > 5 else text
    if text.endswith("ies") and len(text) > 4:
        return text[:-3] + "y"
    if text.endswith(("oses", "yses", "eses")) and len(text) > 6:
        return text[:-2] + "is"
    if text.endswith(("sses", "xes", "ches", "shes")):
        return text[:-2]
    if text.endswith(_PLURAL_KEEP):
        return text
    return text[:-1]


def words(text: str) -> list[str]:
    """The stems of all words of a text, in order."""
    return [stem(word) for word in WORD.findall(text)]


LETTER_A = "letter a"
"""Stands for an *A* that is a name, as in *hepatitis A*, and no article; no word of a text is written so."""
NAMED_BY_LETTER = frozenset(
    [
        *("hepatitis", "hep", "vitamin", "vit", "influenza", "flu", "type", "subtype", "serotype", "group"),
        *(
            "cluster",
            "class",
            "grade",
            "stage",
            "category",
            "hemophilia",
            "lipoprotein",
            "apolipoprotein",
            "lp",
        ),
        *(
            "immunoglobulin",
            "amyloid",
            "chromogranin",
            "coxsackie",
            "coxsackievirus",
            "strep",
            "streptococcus",
        ),
        *("paratyphi", "toxin", "weber", "pugh"),
    ]
)
"""Stems of words that a letter after them tells from their kind."""
_AMOUNTS = frozenset(
    [
        *("day", "night", "week", "month", "year", "decade", "hour", "minute", "moment", "while", "time"),
        *(
            "second",
            "third",
            "few",
            "couple",
            "lot",
            "bit",
            "little",
            "long",
            "short",
            "good",
            "great",
            "many",
        ),
        *("dozen", "number"),
    ]
)
"""Stems of words before which *a* is an article, whatever stands before it: *flu a week ago*."""


def is_letter_name(before: str, after: str | None) -> bool:
    """Whether an *a* is the letter that names something, by the stems of the words before and after it.

    >>> is_letter_name("hepatitis", None), is_letter_name("hepatitis", "week"), is_letter_name("with", None)
    (True, False, False)
    """
    return before in NAMED_BY_LETTER and after not in _AMOUNTS


def named_words(text: str) -> list[str]:
    """As ``words``, with ``LETTER_A`` for an *a* that is a name.

    >>> named_words("Acute hepatitis A"), named_words("Fall with a knife")
    (['acute', 'hepatitis', 'letter a'], ['fall', 'with', 'a', 'knife'])
    """
    found = words(text)
    for at in range(1, len(found)):
        if found[at] == "a" and is_letter_name(found[at - 1], found[at + 1] if at + 1 < len(found) else None):
            found[at] = LETTER_A
    return found


_PREPOSITION = re.compile(
    r"\b(?:of|in|with|without|due to|during|for|to|from|by|following|affecting|at|on)\b|,"
)


def and_parts(phrase: str) -> tuple[str, ...]:
    """The halves of a title that joins two things with *and*, which means and/or (guidelines I.A.14).

    >>> and_parts("dizziness and giddiness"), and_parts("disorders of bone and cartilage")
    (('dizziness', 'giddiness'), ('disorders of bone', 'disorders of cartilage'))
    >>> and_parts("intracranial abscess and granuloma")
    ('intracranial abscess', 'intracranial granuloma')
    """
    left, joined, right = phrase.partition(" and ")
    if not joined or " and " in right:
        return ()
    prefix_end = max((m.end() for m in _PREPOSITION.finditer(left)), default=0)
    rest = _PREPOSITION.search(right)
    tail = right[rest.start() :] if rest else ""
    prefix, first = left[:prefix_end].strip(), left[prefix_end:].split()
    second = (right[: rest.start()] if rest else right).split()
    if not first or not second:
        return ()
    if len(first) == 1 and len(second) > 1:
        first += second[1:]  # "acute and subacute iridocyclitis": both words qualify the last
    elif len(second) == 1 and len(first) > 1:
        second = [*first[:-1], *second]  # "intracranial abscess and granuloma": the first word qualifies both
    if set(first) <= NEUTRAL or set(second) <= NEUTRAL or first[0] in NEUTRAL or second[0] in NEUTRAL:
        return ()
    return tuple(
        " ".join(f"{prefix} {' '.join(part)} {tail}".replace(" ,", ",").split()) for part in (first, second)
    )


_PARENTHESES = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_UNSPECIFIED_PART = re.compile(
    r"(?:\b(?:of|in|at|with|to|on|by|from|for|due to)\s+)?\bunspecified\s+(?:\w+\s+)?"
    r"(?:sites?|parts?|organism|type|cause|stage|degree|severity|trimester|location|quadrant|level|substance|"
    r"portion|nature|episode|deformity|state|status|whether \w+.*)(?=\s|,|$)(?:\s+of(?=\s+unspecified))?"
)
_WITHOUT = re.compile(
    r",?\s*\b(?:without foreign body(?= of\b)|without\b(?:.*, (?:and|or) .*|(?:(?!, | with ).)*)"
    r"|(?:uncomplicated|not intractable|nontraumatic|nos)$|(?:except|excluding|excepting)\b[^,]*)"
)
"""What a title says is absent, up to the next part of the title; a site behind it stays."""
_SAYS_NOTHING = re.compile(
    r"not\b(?!.* with )|unspecified(?: "
    r"(?:sites?|sides?|eyes?|ears?|trimester|severity|stage|depth|degree|level|"
    r"cause|type|organism|class|control|stability|extremity|region|joint|weight|size|species|portion|parts?|"
    r"quadrant|location|nature|episode|whether .*|as .*|person injured.*|number of .*|weeks of .*))?$"
)
"""A part of a title between commas that only says what was not said."""


def title_variants(title: str) -> tuple[tuple[str, str], ...]:
    """The official title as a phrase, then shorter phrases that mean the same by coding convention.

    Returns pairs ``(phrase, kind)``; kind is ``title`` or ``default``. A title's tail of *unspecified …* or
    *without …* names what was not said, so that the rest alone leads to the code (ICD-10-CM guidelines
    I.A.9.b and the alphabetic index, where the main term alone carries the default code).

    >>> [phrase for phrase, _ in title_variants("Sepsis, unspecified organism")]
    ['sepsis, unspecified organism', 'sepsis']
    """
    base = _PARENTHESES.sub(" ", title.lower()).strip()
    out = [(base, "title")]
    head, *tail = (" ".join(part.split()) for part in base.split(", "))
    tail = [part.removeprefix("unspecified ") for part in tail if not _SAYS_NOTHING.match(part)]
    shorter = ", ".join([head, *(part for part in tail if not _SAYS_NOTHING.match(part))])
    if "unspecified" in shorter:
        cut = _UNSPECIFIED_PART.sub(" ", shorter)
        if any(word not in NEUTRAL for word in words(cut)):
            shorter = cut
    if _WITHOUT.search(shorter):
        cut = _WITHOUT.sub("", shorter)
        if any(word not in NEUTRAL for word in words(cut)):
            shorter = cut
    shorter = " ".join(shorter.split())
    if shorter and shorter != base:
        out.append((shorter, "default"))
    return tuple(out)
