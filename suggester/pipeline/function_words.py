"""Closed classes of words that the reader's logic leans on. Cues, titles and abbreviations are data files."""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SECTION_KINDS: Final = _words(
    """header chief_complaint hpi interval_history ros past_medical past_surgical family social obstetric
    medications allergies immunizations vitals exam labs imaging results procedure findings
    impression assessment plan assessment_plan problem_list hospital_course discharge_diagnosis
    admission_diagnosis preoperative_diagnosis postoperative_diagnosis discharge_medications
    discharge_instructions instructions indication technique comparison specimen pathology_diagnosis
    gross microscopic anesthesia complications disposition orders goals supplies time attestation
    other"""
)
"""The canonical section kinds; ``header`` is the text before the first title and its form fields."""

PLAN_ITEMS: Final = _words(
    """labs imaging results medications orders instructions goals procedure vitals immunizations
    disposition supplies time allergies discharge_instructions other social"""
)
"""Section kinds whose titles, in front of an item of a plan (``Labs: CBC today``), do not end the plan."""

TITLE_LEADING: Final = _words(
    """the patient patient's patients pertinent relevant current brief updated other additional significant
    detailed focused complete limited initial new today's my our overall reported documented general
    full problem ed outpatient inpatient admission discharge final primary preliminary"""
)
"""Words in front of a title that do not change its kind."""

TITLE_TRAILING: Final = _words(
    """reviewed today noted update updated section note notes summary details list findings obtained
    information statement continued narrative data results review report here below"""
)
"""Words behind a title that do not change its kind."""

WRAPPING: Final = _words(
    """a an the and or nor but of in on at to for with without by from as than that which who whom whose is
    was are were be been has have had no not any his her their its this these those into over under
    between due secondary will would should may might can could did does do if when while because
    since both either left right bilateral acute chronic mild moderate severe history status s p mg
    ml cm mm dr mr mrs ms"""
)
"""Words after which a line that ends is not finished."""

CONTINUING: Final = _words(
    """and or nor but that which who whose of in on at for with to by from as than due because where when
    after"""
)
"""Words that, in small letters at the beginning of a line, go on with the line before."""

MAY_END: Final = _words("etc am pm min hr hrs mg ml cm mm in lb lbs wt no")
"""Abbreviations that may end a sentence: what follows in a capital begins anew."""

NAME_BEFORE: Final = _words("by with and dr mr mrs ms from to of per for nurse drs")
"""Words before an initial (``seen by J. Smith``)."""

ANSWERS: Final = _words("none no yes denies denied negative neg")
"""Words that answer the question mark before them."""

LEAD_IN: Final = _words(
    """that she he they patient pt the any there is are was were has have had having been be being a an
    this it of either with for to her his him their all such - : ( " “ current currently
    ever i i've he's she's"""
)
"""Words between a cue and what it flags."""

LINKING: Final = _words(
    "is was are were be been being has have had , ( - – — : clinically also very which that"
)
"""Words between what is flagged and a cue behind it."""

SINGULAR: Final = _words("is was has remains seems appears")
"""Verbs whose subject is one thing, so that a list before it is not flagged whole."""

THOUGHT: Final = _words(
    """thought believed felt feared suspected presumed assumed considered to be been have had has was were
    that he she it they this there patient pt the a an attributed ascribed diagnosed misdiagnosed
    labeled labelled read interpreted treated called mistaken as"""
)
"""Words between what tells of an error and the thing that was erroneously thought."""

OPENERS: Final = _words(", : ; and - – — . ( • that")
"""Words before a date that opens a clause and so looks on."""

ONSET: Final = _words("onset began begun started starting start noticed beginning since begins until")
"""Words that make a date the beginning of what still lasts."""

FIRST_SEEN: Final = _words(
    "heard noted noticed seen diagnosed appeared developed occurred detected identified found told"
)
"""Words that, behind *first*, make a date the beginning of what still lasts."""

APPEARED: Final = _words(
    """developed develops appeared presented noticed noted became diagnosed dx dx'd found discovered detected
    recurred relapsed"""
)
"""Words that make a month without a year the beginning of what lasts."""

VISIT: Final = _words(
    """admitted hospitalized hospitalised presented diagnosed treated intubated admission seen icu nicu
    hospital ward inpatient course saw struggled struggling dealt dealing battled coped suffered ill sick
    afflicted infected trouble problem problems issues difficulty difficulties"""
)
"""Words after which a dated *with* tells what was found then."""

DIAGNOSED: Final = _words("diagnosed dx dx'd diagnosis found discovered detected identified noted documented")
"""Words before a date that tells when a condition was found, not that it is over."""

RESULTS: Final = _words("benign normal negative neg unremarkable stable unchanged")
"""Results before a date, which is the date of the test and not of what was tested."""

PASSES: Final = _words(
    """gestational childhood exacerbation exacerbations attack attacks flare flares flare-up crisis episode
    episodes ketoacidosis dka hospitalization hospitalizations admission admissions repair surgery
    transplant postpartum release replacement decompression"""
)
"""Words that make a lasting condition an event or a phase that passes."""

EVENTS: Final = _words(
    """tia mi stroke strokes cva infarction infarct cabg bypass stent stents attack bleed hemorrhage fracture
    fractures nstemi stemi injury accident surgery transplant amputation aneurysm rupture perforation"""
)
"""Words of a history that name what happened once: a drug taken since does not make it present."""

INJURIES: Final = _words(
    """tbi concussion concussions dvt pe pneumonia burn burns injuries wound wounds laceration dislocation
    sprain overdose overdoses attempt attempts miscarriage abortion meningitis hepatitis mononucleosis
    chickenpox measles polio lymphoma leukemia hospitalization assault embolism embolus clot clots thrombosis
    thromboses"""
)
"""Words that name what happened once, of whatever cause."""

TREATMENTS: Final = _words(
    """surgery operation procedure radiation radiotherapy xrt chemotherapy chemo iodine rai ablation
    embolization dilation dilatation repair replacement resection excision transplant bypass stent
    stents stenting fusion drainage debridement reconstruction decompression release cabg turp pci
    cholecystectomy transplantation amputation laser cryotherapy admission hospitalization stay
    conization cautery lithotripsy brachytherapy immunotherapy"""
)
"""Words for a treatment or stay, before *for* and what it was done for, that a date behind both dates."""

ONCE: Final = _words(
    """mi nstemi stemi stroke strokes cva cvas tia tias cabg cabgx3 cabgx4 turp tavr orif cesarean
    appendicitis fx fracture fractures concussion concussions tbi meningitis chickenpox varicella measles
    mumps polio mononucleosis mono pneumonia pneumonias miscarriage miscarriages sab stillbirth abortion
    pneumothorax hemorrhage bleed diverticulitis cholecystitis pyelonephritis
    dislocation gsw mva mvc infarction infarct shingles zoster pertussis preeclampsia eclampsia
    encephalitis endocarditis overdose appy chole"""
)
"""Words of a past medical history that name what is over there even without a date."""

ENDOSCOPIES: Final = _words("colonoscopy egd endoscopy cystoscopy sigmoidoscopy eus bronchoscopy")
"""Looks inside, at which what is found is taken away."""

COUNTED: Final = _words(
    """concussion concussions sbo sbos svd svds nsvd vbac sab sabs tab tabs ectopic ectopics miscarriage
    miscarriages cesarean cesareans childbirth stroke strokes cva cvas tia tias mi
    nstemi dka pneumonia pneumonias pna hospitalization hospitalizations admissions intubated intubations
    ablation ablations attack detox cardioversion cardioversions laminectomy laminectomies attempts dvt
    dvts sbp peritonitis"""
)
"""Words for what happens once at a time, behind which a number tells how often it has happened."""

ANOTHER: Final = _words(
    """is are was were pending normal discussed screening shows showed ordered sent offered advised
    recommended improved unremarkable reviewed today"""
)
"""Words of a clause about the patient that follows what is said of a relative."""

TESTS: Final = _words(
    """fna biopsy bx mri mra ct cta us ultrasound echo tte tee egd mammogram mammo pap dexa xray cxr ekg ecg
    eeg emg pft pfts labs film films pet spirometry angiogram"""
)
"""Tests right before a date, which is then that of the test (*nodule, benign FNA 2020*)."""

SUBSTANCES: Final = tuple(
    _words(
        """alcohol etoh drink liquor beer wine smok tobac cigar nicotine vap chew snuff pack ppd drug heroin
        cocain crack opi oxyco fentanyl narcot benzo xanax meth speed amphet marij cannab weed ivdu substance
        abus addict dependen use using pills"""
    )
)
"""How words begin that name what one may quit."""

CONTRAST: Final = _words("but however although though except yet")
"""Words of contrast. They do not end what is said of a relative; a new subject behind them does."""

NOT_ITEM: Final = _words(
    "and or nor with in by on at to from for of after she he pt patient when while then was is had has"
)
"""Words that do not begin an item of a list."""

CANCERS: Final = _words(
    """cancer ca carcinoma adenocarcinoma melanoma bcc scc sarcoma rcc seminoma lymphoma leukemia
    hodgkin hodgkin's hodgkins"""
)
"""Words for cancers that may be cured."""

EXCISED: Final = _words(
    """hernia hernias cataract cataracts fibroids goiter polyp polyps adenoma nephrolithiasis cholecystitis
    cholelithiasis gallstones appendicitis nodule nodules cyst lipoma mass tumor"""
)
"""Words for what else an operation takes away."""

STILL_TREATED: Final = _words(
    """pod postop postoperative op day yesterday today now adjuvant chemo on chemotherapy metastatic
    metastases metastasis mets recurrent recurrence active stage undergoing receiving residual
    progressive progression week weeks wks"""
)
"""Words by which what was operated on is treated still, or was only just operated on."""

NO_NOUN: Final = _words(
    """and or but that which who when while as after before since if because then so now today yesterday
    though although where until once nor whether how what ago later time year week month day night"""
)
"""Words before *she had* that no relative clause without a first word describes."""

OR: Final = _words("or nor / vs versus")
AND: Final = _words("and & plus")

NOT_PLAIN: Final = _words(
    """on in at of over with for to by from per mild moderate severe present positive stable today noted
    seen normal intact clear soft questionable suspected possible likely resolved unchanged none no
    yes two three four five six seven eight nine ten several few day days week weeks month months
    year years hours x"""
)
"""Words that an item of a plain list (``no fever, chills, cough``) does not hold."""

AFTER_ANSWER: Final = _words(
    """in by on at given due per after because despite with from based until pending today currently
    ou od os au ad w via now so yet overnight either this again since even"""
)
"""Words that may follow a cue that looks back."""

LISTS: Final = _words(
    "medications discharge_medications allergies immunizations vitals labs past_surgical supplies orders"
)
"""Section kinds written as lists, whose lines do not wrap without a plain sign of it."""

YES: Final = _words("yes y present positive pos")
NO: Final = _words("no n absent negative neg none")
