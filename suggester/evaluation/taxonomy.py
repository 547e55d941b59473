"""How codes are grouped for scoring: one spelling, category, family, chapter, E/M range, frequency band."""

from __future__ import annotations

from suggester.types import System

EM_FIRST, EM_LAST = "99200", "99499"
"""CPT numbers 992xx to 994xx: evaluation and management, scored apart."""

FREQUENCY_BANDS: tuple[str, ...] = ("unseen in training", "1 to 5 in training", "more than 5 in training")

_ICD10CM_CHAPTERS: tuple[tuple[str, str, str], ...] = (
    ("A00", "B99", "01 Infectious diseases"),
    ("C00", "D49", "02 Neoplasms"),
    ("D50", "D89", "03 Blood and immune"),
    ("E00", "E89", "04 Endocrine and metabolic"),
    ("F01", "F99", "05 Mental and behavioural"),
    ("G00", "G99", "06 Nervous system"),
    ("H00", "H59", "07 Eye"),
    ("H60", "H95", "08 Ear"),
    ("I00", "I99", "09 Circulatory"),
    ("J00", "J99", "10 Respiratory"),
    ("K00", "K95", "11 Digestive"),
    ("L00", "L99", "12 Skin"),
    ("M00", "M99", "13 Musculoskeletal"),
    ("N00", "N99", "14 Genitourinary"),
    ("O00", "O9A", "15 Pregnancy"),
    ("P00", "P96", "16 Perinatal"),
    ("Q00", "Q99", "17 Congenital"),
    ("R00", "R99", "18 Symptoms and findings"),
    ("S00", "T88", "19 Injury and poisoning"),
    ("V00", "Y99", "20 External causes"),
    ("Z00", "Z99", "21 Factors and contacts"),
    ("U00", "U85", "22 Special purposes"),
)

_CPT_SECTIONS: tuple[tuple[str, str, str], ...] = (
    ("00100", "01999", "anesthesia"),
    ("10000", "69999", "surgery"),
    ("70000", "79999", "radiology"),
    ("80000", "89999", "laboratory and pathology"),
    ("90000", "99199", "medicine"),
    (EM_FIRST, EM_LAST, "evaluation and management"),
    ("99500", "99999", "medicine"),
)

_CPT_SUFFIXES = {
    "F": "category II",
    "T": "category III",
    "U": "proprietary laboratory",
    "M": "multianalyte assays",
}


def canonical(system: System, code: str) -> str:
    """One spelling of a code, the same for gold and suggestions: upper case, ICD-10-CM with its dot.

    Spellings of different systems never meet: a diagnosis of more than three characters has a dot, a
    service code has none and five characters.

    Examples
    --------
    >>> canonical("ICD-10-CM", "e119"), canonical("HCPCS", " j1100 ")
    ('E11.9', 'J1100')
    """
    plain = code.strip().upper()
    if system != "ICD-10-CM":
        return plain
    plain = plain.replace(".", "")
    return plain if len(plain) <= 3 else f"{plain[:3]}.{plain[3:]}"


def category(system: System, key: str) -> str | None:
    """The three-character ICD-10-CM category; None for services, which have no such level."""
    return key[:3] if system == "ICD-10-CM" else None


def family(system: System, key: str) -> str:
    """ICD-10-CM category, or the services whose numbers share three characters. For confusions only.

    Examples
    --------
    >>> family("ICD-10-CM", "J10.1"), family("HCPCS", "J1050")
    ('diagnosis J10', 'service J10')
    """
    return f"{'diagnosis' if system == 'ICD-10-CM' else 'service'} {key[:3]}"


def chapter(system: System, key: str) -> str:
    """ICD-10-CM chapter, CPT section or HCPCS letter, with the system's name before it.

    Examples
    --------
    >>> chapter("ICD-10-CM", "D49.9"), chapter("CPT", "99213"), chapter("HCPCS", "J1100")
    ('ICD-10-CM 02 Neoplasms', 'CPT evaluation and management', 'HCPCS J')
    """
    if system == "HCPCS":
        return f"HCPCS {key[:1]}"
    if system == "CPT" and key[-1:] in _CPT_SUFFIXES:
        return f"CPT {_CPT_SUFFIXES[key[-1:]]}"
    ranges = _ICD10CM_CHAPTERS if system == "ICD-10-CM" else _CPT_SECTIONS
    head = key[:3] if system == "ICD-10-CM" else key
    for first, last, title in ranges:
        if first <= head <= last:
            return f"{system} {title}"
    return f"{system} other"


def is_em(system: System, key: str) -> bool:
    """Whether a code is CPT 992xx to 994xx, evaluation and management."""
    return system == "CPT" and len(key) == 5 and key.isdigit() and EM_FIRST <= key <= EM_LAST


def frequency_band(count: int) -> str:
    """The band of a code by how often it stands in the training notes."""
    if count <= 0:
        return FREQUENCY_BANDS[0]
    return FREQUENCY_BANDS[1] if count <= 5 else FREQUENCY_BANDS[2]
