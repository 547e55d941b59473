"""Users and notes of the browser tests: invented, each note with what its test needs."""

from __future__ import annotations

from datetime import date

from argon2 import PasswordHasher

from suggester.review import ReviewService
from suggester.review.access import new_user
from suggester.review.types import OverrideInput, Role, WorkFilters
from suggester.types import Note, Patient

PEOPLE: dict[str, Role] = {
    "ada": "coder",
    "bob": "coder",
    "audrey": "auditor",
    "mona": "manager",
    "root": "admin",
}
PASSWORDS = {name: f"correct horse of {name}" for name in PEOPLE}
CONDITIONS = (
    "Essential hypertension. Hyperlipidemia. Type 2 diabetes mellitus. Chronic systolic heart failure. "
    "Paroxysmal atrial fibrillation. Hypothyroidism. Gout. Asthma. COPD. Iron deficiency anemia. "
    "Osteoarthritis of the right knee. GERD. Migraine. Depression. Anxiety disorder. Insomnia. Obesity. "
    "Psoriasis. Allergic rhinitis. Constipation. Benign prostatic hyperplasia. Glaucoma. Cataract. "
    "Osteoporosis. Restless legs syndrome. Chronic kidney disease stage 3a. Peripheral neuropathy. "
    "Obstructive sleep apnea. Vitamin D deficiency. Carpal tunnel syndrome. Hearing loss. Tinnitus. "
    "Fibromyalgia. Diverticulosis. Hemorrhoids. Rosacea. Vertigo. Epilepsy. Nicotine dependence."
)
VISIT = (
    "\U0001f600 CC: cough\n\nHPI: 54 year old with cough and fever, denies chest pain. "
    "Takes xylophone lessons. Mother had a stroke.\nPossible pneumonia. History of gout.\n\nAssessment:\n"
    "1. Type 2 diabetes mellitus with neuropathy\n2. Essential hypertension\n"
    "3. Osteoarthritis of the right knee\n4. Hyperlipidemia, unspecified\n"
)
CANARY = "Quimbyzanzibar"
HOSTILE = (
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=2>",
    "<svg onload=window.hacked=3>",
    "\"><iframe src='javascript:parent.hacked=4'></iframe>",
    "![x](http://leak.invalid/a.png) [y](javascript:window.hacked=5)",
    "<style>@import 'http://leak.invalid/b.css'</style>",
    "{{constructor.constructor('window.hacked=6')()}} ${window.hacked=7}",
    "<a href=javascript:window.hacked=8 autofocus onfocus=window.hacked=9>z</a>",
    "\u202egnp.exe \u0000 &lt;script&gt; :smile: _x_ :red[no] $x^2$",
)
LONG_NOTES = ("keys-0", "keys-30", "keys-60", "keys-120")
SHORT_NOTES = (
    *("work", "typing", "words", "select", "bulk", "finish", "shared", "spare-1", "spare-2", "spare-3"),
    *("out", "disabled", "idle", "axe"),
)
ENCOUNTER = f"visit {CANARY} <img src=x onerror=window.hacked=12> {HOSTILE[0]}"
CLAIM_NOTE = (
    "Office visit, established patient.\n\nAssessment:\n1. Essential hypertension, stable on lisinopril.\n"
    "2. Type 2 diabetes mellitus, stable on metformin.\n\nPlan: continue both, labs, back in three months.\n"
    "Ketorolac 60 mg IM given for back pain. ECG 12 lead done and read in the office.\n"
)


def notes() -> list[Note]:
    """All notes, by name."""
    common = {"service_date": date(2026, 6, 1), "setting": "outpatient", "kind": "office visit"}
    made = [Note(id=name, text=f"Assessment: {CONDITIONS}", **common) for name in LONG_NOTES]  # type: ignore[arg-type]
    made += [Note(id=name, text=f"{VISIT}\nRef {name}.", **common) for name in SHORT_NOTES]  # type: ignore[arg-type]
    hostile = "\n".join(f"{text.replace(chr(0), '')} Essential hypertension. No fever." for text in HOSTILE)
    made.append(Note(id="hostile <img src=x onerror=window.hacked=10>", text=hostile, **common))  # type: ignore[arg-type]
    voices = "Follow up of voices.\n\nAssessment:\n1. Schizophrenia.\n2. Schizoaffective disorder.\n"
    made.append(Note(id="conflict", text=voices, **common))  # type: ignore[arg-type]
    made.append(Note(id="canary", text=f"{VISIT}\n{CANARY} denies {CANARY}. Gout of {CANARY}.", **common))  # type: ignore[arg-type]
    return made


def seed(service: ReviewService) -> tuple[dict[str, str], dict[str, str]]:
    """Fill an empty store; gives tokens by role and note ids by name."""
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    with service.store.write() as work:
        for name, role in PEOPLE.items():
            shown = name.title() if name != "bob" else "Bob <img src=x onerror=window.hacked=11>"
            new_user(
                work,
                "system",
                name=name,
                role=role,
                display_name=shown,
                password_hash=quick.hash(PASSWORDS[name]),
            )
    tokens = {
        role: service.sign_in(name, PASSWORDS[name]).token for name, role in PEOPLE.items() if name != "bob"
    }
    for progress in service.import_notes(tokens["manager"], notes()):
        assert not progress.failures, progress.failures
    rows = service.worklist(tokens["manager"], limit=200).rows
    return tokens, {row.name.split(" ")[0]: row.id for row in rows}


def finished(service: ReviewService, manager: str, coder: str) -> str:
    """A finished note with an encounter; its id in the store."""
    note = Note(
        id="claim-note",
        text=CLAIM_NOTE,
        encounter_id=ENCOUNTER,
        service_date=date(2026, 6, 1),
        setting="outpatient",
        kind="office visit",
        patient=Patient(id="patient-1", sex="M", birth_date=date(1961, 3, 2)),
    )
    for progress in service.import_notes(manager, [note]):
        assert not progress.failures
    [row] = service.worklist(manager, WorkFilters(name="claim-note")).rows
    view = service.take(coder, row.id)
    for item in view.rows:
        if item.code in ("I10", "E11.9", "99214", "93000"):
            service.accept(coder, row.id, item.id)
        else:
            service.reject(coder, row.id, item.id, reason="not supported by the note")
    standing = service.summary(coder, row.id).standing
    reasons = tuple(OverrideInput(rule_id=f.rule_id, codes=f.codes, reason="a test") for f in standing)
    service.finish(coder, row.id, overrides=reasons)
    return row.id
