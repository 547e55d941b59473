"""Made-up files in the layouts of those that users import. No descriptor of the AMA or ADA is in them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from openpyxl import Workbook
from small_codesets import TABULAR

NEXT_TABULAR = TABULAR.replace("<version>2026", "<version>2027")
"""The small tabular list as of fiscal year 2027."""


def anweb_line(
    code: str,
    kind: str,
    long: str,
    *,
    short: str = "",
    sequence: int = 10,
    added: str = "20200101",
    changed: str = "20200101",
    ended: str = "",
) -> str:
    """A record of the fixed-width HCPCS file; modifiers stand in columns 4 and 5."""
    name = code.ljust(5) if len(code) == 5 else f"   {code}"
    text = f"{name}{sequence:05d}{kind}{long:<80}{short:<28}"
    return f"{text:<268}{added:<8}{changed:<8}{ended:<8}N"


ANWEB = "\r\n".join(
    (
        anweb_line("A0100", "3", "Non-emergency transportation;", short="Nonemergency trans taxi"),
        anweb_line("A0100", "4", "taxi", sequence=20)[:91],
        anweb_line("E0100", "3", "Cane of yesterday", short="Old cane", ended="20251231"),
        anweb_line("J1885", "3", "Injection, ketorolac tromethamine, per 15 mg", short="Ketorolac inj"),
        anweb_line(
            "J9999", "3", "Injection, invented drug", short="New drug", added="20260601", changed="20260601"
        ),
        anweb_line("LT", "7", "Left side, so used", short="Left side"),
        "",
    )
)


def write(path: Path, text: str) -> Path:
    """A text file, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def write_zip(path: Path, files: Mapping[str, str | bytes], *, packed: bool = True) -> Path:
    """A zip archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_sheet(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    """An Excel workbook of one sheet."""
    book = Workbook()
    for row in rows:
        book.active.append(list(row))  # type: ignore[union-attr]
    book.save(path)
    return path


ORDER = "".join(
    f"{number:05d} {code:<7} {flag} {'short':<60} long\n"
    for number, (code, flag) in enumerate(
        (
            ("E11", 0),
            ("E116", 0),
            ("E1165", 1),
            ("E119", 1),
            ("S61", 0),
            ("S614", 0),
            ("S6141", 0),
            ("S61411", 0),
            ("S61411A", 1),
            ("S61411D", 1),
            ("S61411S", 1),
            ("S61412", 0),
            ("S61412A", 1),
            ("S61412D", 1),
            ("S61412S", 1),
            ("S61413", 0),
            ("S61413A", 1),
            ("S61419", 0),
            ("S61419A", 1),
            ("S61419D", 1),
            ("S61419S", 1),
            ("S615", 0),
            ("S615XXA", 1),
            ("S615XXD", 1),
            ("S615XXS", 1),
            ("T30", 1),
        ),
        1,
    )
)
"""The order file of the small tabular list."""

INDEX = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.index><version>2027</version><title>INDEX TO DISEASES</title>
 <letter><title>B</title>
  <mainTerm><title>Burn<nemod>(electricity) (flame) (hot gas)</nemod></title><code>T30</code></mainTerm>
 </letter>
 <letter><title>G</title>
  <mainTerm><title>Glycosuria trouble</title><see>Sugar, sugary, out of bounds</see></mainTerm>
  <mainTerm><title>Gluttony</title><seeAlso>Sugar</seeAlso></mainTerm>
  <mainTerm><title>Gone</title><see>Nowhere, to be found</see></mainTerm>
  <mainTerm><title>Grief</title><see>condition</see></mainTerm>
 </letter>
 <letter><title>S</title>
  <mainTerm><title>Sugar, sugary<nemod>(sweet)</nemod> NEC</title><code>E11.9</code>
   <term level="1"><title>out of bounds</title><code>E11.65</code>
    <term level="2"><title>with</title>
     <term level="3"><title>thirst, thirsty</title><code>E11.6-</code></term></term></term>
   <term level="1"><title>unspecified</title><code>--</code></term>
  </mainTerm>
 </letter>
</ICD10CM.index>
"""

NEOPLASM = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.index><version>2027</version>
 <indexHeading><head col="1">Neoplasm</head><head col="2">Malignant Primary</head>
  <head col="5">Benign</head></indexHeading>
 <letter><title>N</title>
  <mainTerm><title>Neoplasm, neoplastic</title><cell col="2">T30</cell><cell col="5">E11.9</cell>
   <term level="1"><title>hand, hands</title><cell col="2">S61.4-</cell><cell col="5">--</cell></term>
  </mainTerm></letter>
</ICD10CM.index>
"""

DRUGS = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.index><version>2027</version>
 <indexHeading><head col="1">Substance</head><head col="2">Poisoning Accidental</head></indexHeading>
 <letter><title>F</title>
  <mainTerm><title>Fairy dust</title><cell col="2">T30</cell><cell col="6">--</cell></mainTerm>
 </letter></ICD10CM.index>
"""

EXTERNAL = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.index><version>2027</version><title>ICD-10-CM EXTERNAL CAUSE of INJURIES INDEX</title>
 <letter><title>T</title><mainTerm><title>Tumble<nemod>(down)</nemod></title><code>T30</code></mainTerm></letter>
</ICD10CM.index>
"""

RELEASE = {
    "Table and Index/icd10cm_tabular_2027.xml": NEXT_TABULAR,
    "Table and Index/icd10cm_index_2027.xml": INDEX,
    "Table and Index/icd10cm_neoplasm_2027.xml": NEOPLASM,
    "Table and Index/icd10cm_drug_2027.xml": DRUGS,
    "Table and Index/icd10cm_eindex_2027.xml": EXTERNAL,
    "icd10cm_order_2027.txt": ORDER,
    "readme.pdf": "not looked at",
}
"""A whole release in small."""

PAIRS = (
    "A notice of somebody's rights\t\t\t\t\t\t\n"
    "Column 1\tColumn 2\t*=in existence prior to 1996\tEffective Date\tDeletion Date *=no data\t"
    "Modifier 0=not allowed 1=allowed 9=not applicable\tPTP Edit Rationale\n"
    "99213\t36415\t\t20200101\t*\t1\tMisuse of column two\n"
    "99213\t36415\t*\t19960101\t20181231\t0\tOlder edit\n"
    "A0100\tJ1885\t\t20260101\t*\t0\tMore extensive procedure\n"
    "A0100\t36415\t\t20260101\t20260101\t9\tNever\n"
)

UNITS = (
    '"A notice of somebody\'s rights, over commas",,,\n'
    '"HCPCS/CPT Code","Practitioner Services MUE Values","MUE Adjudication Indicator","MUE Rationale"\n'
    '"J1885","8","3 Date of Service Edit: Clinical","Prescribing information"\n'
    '"36415","2","1 Line Edit","Clinical: data"\n'
)

GLOBAL = (
    "2027 fee schedule,,,,\n"
    ",,,PCTC,GLOB\n"
    "HCPCS,MOD,DESCRIPTION,IND,DAYS\n"
    "99213,,not kept,0,XXX\n"
    "36415,,not kept,9,0\n"
    "36415,26,not kept,9,000\n"
    "A notice below,,,,\n"
)

SYNONYMS = (
    "phrase,system,code\nsweet blood,ICD-10-CM,E11.9\nhired car,HCPCS,A0100\nodd thing,ICD-10-CM,Q99.9\n"
)

CHARGES = (
    "Description,HCPCS Code,Gross Charge\n"
    'HC TAXI CAB FARE,A0100,"$1,250.50"\n'
    "KETOROLAC 30 MG IJ SOLN,J1885,12\n"
    "ROOM AND BOARD,,900\n"
)

OBO = """format-version: 1.2

[Term]
id: X:1
name: sweetness of blood
synonym: "honey \\"blood\\" state" EXACT []
synonym: "wide word" BROAD []
xref: ICD10CM:E11.9
xref: ICD10CM:E08-E13

[Term]
id: X:2
name: gone thing
is_obsolete: true
xref: ICD10CM:T30

[Typedef]
id: part_of
"""
