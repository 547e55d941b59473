"""Vocabulary of the alphabetic index: how the columns of its tables are said, and words that only connect."""

from __future__ import annotations

NEOPLASM_COLUMNS: dict[int, tuple[str, ...]] = {
    2: ("malignant neoplasm of {}", "cancer of {}", "carcinoma of {}"),
    3: ("secondary malignant neoplasm of {}", "metastasis to {}"),
    4: ("carcinoma in situ of {}",),
    5: ("benign neoplasm of {}",),
    6: ("neoplasm of uncertain behavior of {}",),
    7: ("neoplasm of {}", "tumor of {}"),
}
"""What clinicians write for a column of the neoplasm table, by its number; ``{}`` is the site."""

DRUG_COLUMNS: dict[int, tuple[str, ...]] = {
    2: ("poisoning by {}", "{} overdose"),
    3: ("intentional self-harm by {} poisoning",),
    6: ("adverse effect of {}",),
    7: ("underdosing of {}",),
}
"""The same for the table of drugs and chemicals."""

BEHAVIOURS: dict[str, int] = {
    "malignant": 2,
    "malignant primary": 2,
    "primary": 2,
    "secondary": 3,
    "malignant secondary": 3,
    "in situ": 4,
    "benign": 5,
    "uncertain behavior": 6,
    "uncertain": 6,
    "unspecified behavior": 7,
}
"""Column of the neoplasm table that a cross reference ``Neoplasm, by site, …`` names."""

HEADS_OF_THE_TABLE = frozenset(
    ("cancer", "carcinoma", "adenocarcinoma", "malignancy", "metastasis", "metastatic", "tumor", "neoplasia")
)
"""Main terms whose cross reference to the neoplasm table is followed for every site."""

CONNECTING = frozenset(
    (
        "with",
        "without",
        "in",
        "due to",
        "in due to",
        "caused by",
        "caused by due to",
        "due to caused by",
        "following",
        "associated with",
        "specified",
        "by",
        "type",
        "site",
    )
)
"""Subterms that only connect: a cross reference may pass over them."""

SAYS_NOTHING = frozenset(("nec", "nos", "nos nec", "unspecified", "specified nec", "specified type nec"))
"""Subterms and tails that add nothing to the words above them."""

NO_TARGETS = frozenset(("condition", "by site", "by type", "code", "category"))
"""Cross references that name no term."""
