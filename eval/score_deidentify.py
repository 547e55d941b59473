"""How much of what identifies is found, on notes that we make: ``python eval/score_deidentify.py``.

Notes are put together from sentences as clinicians write them, with slots for names, dates and the rest. Half
of the names are rare or foreign and stand in no list of the package. Recall is of characters' owners: a slot
counts as found when all of its letters and digits were replaced. Precision: replaced spans that touch a slot.
The notes are synthetic and written by who wrote the rules: expect less on yours.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter

from suggester.deidentify import Finder
from suggester.review.agreeing import wilson
from suggester.types import Span

KNOWN_FIRST = [
    "Margaret",
    "Robert",
    "Linda",
    "James",
    "Maria",
    "Kevin",
    "Susan",
    "Anthony",
    "Priya",
    "Carlos",
]
RARE_FIRST = [
    "Thessaly",
    "Oluwaseun",
    "Bronagh",
    "Ximena",
    "Tadeusz",
    "Kaimana",
    "Zephyrine",
    "Ragnhild",
    "Ottoline",
    "Dashiell",
]
KNOWN_LAST = [
    "Johnson",
    "Ramirez",
    "Patel",
    "Nguyen",
    "Thompson",
    "Kowalski",
    "Fitzgerald",
    "Okafor",
    "Sullivan",
    "Morales",
]
RARE_LAST = [
    "Vanterpool",
    "Szczepanik",
    "Abernathy-Quill",
    "Mbatha",
    "Lindqvist",
    "Oyelaran",
    "Tregenza",
    "Hrdlicka",
    "Pomeranz",
    "Kealoha",
]
STREETS = ["Maple Street", "Old Mill Road", "N. 4th Avenue", "Cedar Ridge Lane", "Harbor View Drive"]
TOWNS = [
    "Brookhaven, GA 30319",
    "Cedar Falls, IA",
    "Las Cruces, NM 88001",
    "Marblehead, MA 01945",
    "Truckee, CA",
]
PLACES = [
    "Riverbend Community Hospital",
    "Lakeside Medical Center",
    "St. Brendan Clinic",
    "Pinecrest Nursing Home",
]

TEMPLATES: tuple[str, ...] = (
    "Patient: {last}, {first}\nDOB: {date}\nMRN: {id}\nDate of service: {date}",
    "PATIENT NAME: {FIRST} {LAST}   ACCOUNT #: {id}",
    "{title} {last} is a {age}-year-old woman with hypertension and type 2 diabetes.",
    "I saw {first} {last} in clinic on {date} for follow-up of COPD.",
    "{first} states that the pain began on {date} after a fall.",
    "Referred by Dr. {last} of {place}.",
    "cc: {first} {last}, MD",
    "Discussed with {first} {last}, RN, who will call the family at {phone}.",
    "Daughter {first} can be reached at {phone}.",
    "Lives at {street}, {town} with her husband {first}.",
    "Transferred from {place} on {date} with sepsis.",
    "Electronically signed by: {first} {last}, DO {date}",
    "He was admitted to {place} {date} and discharged {date}.",
    "Results were sent to {email}. Insurance member ID {id}.",
    "SSN {ssn}. Emergency contact: {first} {last} {phone}",
    "{title} {last} denies chest pain, dyspnea or edema.",
    "Pathology accession {id}, specimen received {date}.",
    "Mrs. {last}'s son, {first}, reports that she has been confused since {monthday}.",
    "The procedure was performed by Dr. {first} {last} without complication.",
    "Pacemaker serial number {id} was interrogated.",
    "Plan: follow up with Dr. {last} in 2 weeks. Call {phone} with questions.",
    "Pt {first} {last} seen and examined. Works for {place}.",
    "Home address: {street}\n{town}",
    "DICTATED BY: {first} {last}, M.D.\nD: {date} T: {date}",
    "Portal message from {first} on {date}: pain is better.",
)
PLAIN: tuple[str, ...] = (
    "No evidence of Parkinson disease; Babinski absent. Romberg negative, Murphy sign negative.",
    "BP 132/84, HR 76, temp 98.6, SpO2 97% on 2 L. Strength 5/5 throughout. Weight 82.4 kg.",
    "Lisinopril 20 mg daily, Lantus 18 units at bedtime, Foley catheter in place.",
    "ASSESSMENT: 1. Type 2 diabetes mellitus. 2. Crohn disease of the small bowel. 3. Bell palsy.",
    "Echocardiogram shows ejection fraction 55 to 60 percent. Hemoglobin 12.4, creatinine 1.02.",
    "L4-5 disc bulge with moderate stenosis. Colles fracture, healed. Hodgkin lymphoma in remission, 2012.",
    "Plan: continue Eliquis, recheck in 3 months, return if worse. Colonoscopy in 2027.",
    "Cooper ligament, Hawkins and Neer tests positive. Glasgow Coma Scale 15. Wells score 1.5.",
)
_SLOT = re.compile(r"\{(\w+)\}")


def filled(template: str, rng: random.Random) -> tuple[str, list[tuple[str, Span]]]:
    """A template with its slots filled, and where each slot stands and of what kind it is."""
    text, slots, at = "", [], 0
    for match in _SLOT.finditer(template):
        text += template[at : match.start()]
        kind, value = slot(match[1], rng)
        if kind:
            slots.append((kind, Span(start=len(text), end=len(text) + len(value))))
        text += value
        at = match.end()
    return text + template[at:], slots


def slot(name: str, rng: random.Random) -> tuple[str, str]:
    """Kind (empty where it identifies nobody) and value of a slot."""
    first = rng.choice(KNOWN_FIRST if rng.random() < 0.5 else RARE_FIRST)
    last = rng.choice(KNOWN_LAST if rng.random() < 0.5 else RARE_LAST)
    month, day, year = rng.randint(1, 12), rng.randint(1, 28), rng.randint(2015, 2026)
    word = ("January", "Feb", "March", "April", "May", "Sept.", "October", "Dec")[month % 8]
    area, line = f"{rng.randint(201, 989)}", f"{rng.randint(200, 999)}-{rng.randint(1000, 9999)}"
    dotted = line.replace("-", ".")
    digits = "".join(rng.choice("0123456789") for _ in range(rng.randint(6, 10)))
    age = rng.choice((rng.randint(20, 88), rng.randint(90, 101)))
    return {
        "first": ("name", first),
        "last": ("name", last),
        "FIRST": ("name", first.upper()),
        "LAST": ("name", last.upper()),
        "title": ("", rng.choice(("Mr.", "Mrs.", "Ms."))),
        "age": ("age" if age >= 90 else "", str(age)),
        "date": (
            "date",
            rng.choice(
                (
                    f"{month}/{day}/{year}",
                    f"{month:02}/{day:02}/{year % 100:02}",
                    f"{word} {day}, {year}",
                    f"{year}-{month:02}-{day:02}",
                    f"{day} {word} {year}",
                )
            ),
        ),
        "monthday": ("date", f"{word} {day}"),
        "id": ("id", rng.choice((digits, f"A{digits[:7]}", f"{digits[:3]}-{digits[3:8]}"))),
        "ssn": ("ssn", f"{area}-{day:02}-{digits[:4]}"),
        "phone": (
            "phone",
            rng.choice((f"({area}) {line}", f"{area}-{line}", f"{area}.{dotted}")),
        ),
        "email": ("email", f"{first.lower()}.{last.lower().split('-')[0]}@example.org"),
        "street": ("address", f"{rng.randint(1, 9999)} {rng.choice(STREETS)}"),
        "town": ("address", rng.choice(TOWNS)),
        "place": ("place", rng.choice(PLACES)),
    }[name]


def notes(count: int, seed: int) -> list[tuple[str, list[tuple[str, Span]]]]:
    """Synthetic notes with the place of everything that identifies."""
    rng = random.Random(seed)  # noqa: S311 - synthetic data, the same every time
    out: list[tuple[str, list[tuple[str, Span]]]] = []
    for _ in range(count):
        text, slots = "", []
        for template in rng.sample(TEMPLATES, 8) + rng.sample(PLAIN, 3):
            piece, found = filled(template, rng)
            slots += [(kind, Span(start=s.start + len(text), end=s.end + len(text))) for kind, s in found]
            text += piece + "\n"
        out.append((text, slots))
    return out


def score(
    made: list[tuple[str, list[tuple[str, Span]]]],
) -> tuple[Counter[str], Counter[str], int, int, list[str]]:
    """Slots found and in all by kind, replaced spans that are right and in all, and what was missed."""
    finder = Finder()
    found_by: Counter[str] = Counter()
    all_by: Counter[str] = Counter()
    right = replaced = 0
    missed: list[str] = []
    for text, slots in made:
        found = finder.find(text)
        covered = {at for item in found for at in range(item.span.start, item.span.end)}
        for kind, span in slots:
            all_by[kind] += 1
            letters = [at for at in range(span.start, span.end) if text[at].isalnum()]
            if all(at in covered for at in letters):
                found_by[kind] += 1
            else:
                missed.append(f"{kind}: {text[max(0, span.start - 30) : span.end + 15]!r}")
        replaced += len(found)
        right += sum(any(item.span.overlaps(span) for _, span in slots) for item in found)
    return found_by, all_by, right, replaced, missed


def main() -> None:
    """Print recall by kind, and precision."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--notes", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--misses", action="store_true")
    options = parser.parse_args()
    found, total, right, replaced, missed = score(notes(options.notes, options.seed))
    print(f"{options.notes} synthetic notes, seed {options.seed}")
    for kind in (*sorted(total), "all"):
        n = total[kind] if kind != "all" else total.total()
        k = found[kind] if kind != "all" else found.total()
        low, high = wilson(k, n) or (0.0, 1.0)
        print(f"{kind:8} recall {k / n:.3f} [{low:.3f}, {high:.3f}]  {k} of {n}")
    low, high = wilson(right, replaced) or (0.0, 1.0)
    print(f"precision {right / replaced:.3f} [{low:.3f}, {high:.3f}]  {right} of {replaced} replacements")
    if options.misses:
        for line in missed[:60]:
            print("missed", line)


if __name__ == "__main__":
    main()
