"""Assertion: five flags, one marked sentence a line."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

from suggester.errors import ConfigError, LexiconError
from suggester.pipeline import assertion
from suggester.pipeline.assertion import assertion_table
from suggester.pipeline.automaton import CueBook, Modifier
from suggester.pipeline.cues import read_cues, read_section_rules
from suggester.pipeline.tokenizer import ClinicalTokenizer, token_table

FLAGS = ("negated", "uncertain", "historical", "hypothetical", "family")
TAG = re.compile(r"<ent([^>]*)>(.*?)</ent>", re.DOTALL)

SENTENCES = """
no <ent negated>fever</ent> today
no <ent negated>bleeding</ent> on <ent>Xarelto</ent>
no <ent negated>pain</ent> on swallowing, <ent negated>cough</ent> or <ent negated>rash</ent>
not yet on <ent negated>dialysis</ent>
denies <ent negated>dysuria</ent>, <ent>bleeding</ent> x 2 days
no <ent negated>cough</ent>, <ent negated>rash</ent>, <ent negated>edema</ent>, but has <ent>fever</ent>
no <ent negated>retinopathy</ent>, <ent historical>sepsis</ent> at presentation and in 2012
<ent>AF</ent>, and a <ent historical>UTI</ent> that was treated and resolved
had no <ent negated>seizures</ent> and her <ent historical>fever</ent> gradually cleared
has <ent>asthma</ent> and had a <ent historical>stroke</ent> in 2011
history of <ent historical>tuberculosis</ent> treated with INH in the 1970s
hx of <ent historical>thyroid cancer</ent>, on Synthroid for <ent>hypothyroidism</ent>
<ent>nodule</ent> with benign FNA 2020
last month he was diagnosed with <ent>lymphoma</ent>
ICD placed 2020 for prevention of <ent hypothetical>sudden death</ent>
Hx: <ent>fatigue</ent>, <ent historical>appendectomy</ent>
nitroglycerin prn <ent hypothetical>angina</ent> and Colace for <ent>constipation</ent>
MRA screening negative for <ent negated>aneurysm</ent>
she lost her sight years ago due to <ent historical>trauma</ent>
<ent historical>prostate cancer</ent> s/p <ent historical>prostatectomy</ent>, PSA undetectable
<ent>colon cancer</ent> s/p <ent historical>colectomy</ent>, on FOLFOX
FAMILY HISTORY: <ent family>MI</ent>. No personal history of <ent negated historical>clots</ent>.
has had prolonged <ent>bleeding</ent> after <ent historical>circumcision</ent>
his <ent historical>confusion</ent>, attributed to <ent>hypercalcemia</ent>, resolved by day 3
denies <ent negated>pain</ent> or <ent negated>rash</ent>; endorses <ent>nausea</ent>
no <ent negated>chest pain</ent> but has <ent>fever</ent>
no <ent negated>fever</ent>, <ent negated>chills</ent>, <ent negated>sweats</ent>.
no <ent negated>edema</ent>, still <ent>short of breath</ent>
without <ent negated>nausea</ent> or <ent negated>vomiting</ent>, with <ent>diarrhea</ent>
no increase in <ent>dyspnea</ent>
not only <ent>cough</ent> but also <ent>fever</ent>
gram negative <ent>bacteremia</ent>
<ent>sepsis</ent> due to gram negative rods, no <ent negated>abscess</ent>
<ent negated>pneumonia</ent> was ruled out
<ent negated>PE</ent> ruled out by CT, <ent>pleurisy</ent> remains
<ent negated>meningitis</ent> is unlikely
<ent>fever</ent>, <ent negated>cough</ent> denied
<ent negated>fever</ent>: none
<ent negated>fever</ent>: negative. <ent>cough</ent>: yes
<ent negated>chest pain</ent> - no
<ent negated>Raynaud's</ent> no. <ent negated>Migraine</ent> no. <ent>Gout</ent>
no. 4 <ent>fracture</ent>
<ent negated>Vapes</ent> nothing, <ent negated>smokes</ent> nothing
<ent negated>COVID</ent>/<ent negated>flu</ent> A+B neg
considered <ent negated>septic shock</ent> and decided against it, <ent>sepsis</ent> was present
never <ent negated>broken</ent> a bone -> <ent>osteoporosis</ent>
<ent negated>PCOS</ent> not likely
<ent>factor V Leiden</ent> heterozygous
Report <ent hypothetical>fever</ent>, <ent hypothetical>swelling</ent>
consent explained incl. <ent hypothetical>hoarseness</ent>
[ ] <ent negated>fever</ent> [x] <ent>cough</ent>
( ) <ent negated>diabetes</ent> (x) <ent>asthma</ent>
<ent negated>fever</ent> (-), <ent>cough</ent> (+)
(+) <ent>cough</ent> (-) <ent negated>fever</ent>
Patient denies:\\n- <ent negated>fever</ent>\\n- <ent negated>rash</ent>\\n\\nReports <ent>cough</ent>
Negative except for <ent>cough</ent>
unable to walk without <ent>pain</ent>
<ent>rash</ent> did not respond to steroids
possible <ent uncertain>pneumonia</ent>, <ent>fever</ent>
rule out <ent uncertain>sepsis</ent>
DDx incl <ent uncertain>gout</ent> (no <ent negated>fever</ent>, WBC ok), <ent uncertain>GERD</ent>
I considered <ent uncertain>PE</ent>, <ent uncertain>pneumothorax</ent> and <ent uncertain>gout</ent>
<ent negated>AAA</ent> n/a. <ent>Asthma</ent> stable
6+ months out from <ent historical>stroke</ent>, <ent>hypertension</ent> controlled
<ent uncertain>gout</ent> vs <ent uncertain>cellulitis</ent>
<ent uncertain>pneumonia</ent> cannot be excluded
findings consistent with <ent uncertain>COPD</ent>
concern for <ent uncertain>stroke</ent>; no <ent negated>headache</ent>
<ent>edema</ent> likely due to <ent uncertain>heart failure</ent>
?<ent uncertain>TIA</ent>
no evidence to suggest <ent negated>malignancy</ent>
the <ent negated>rash</ent>, which she had feared was shingles, was not seen
<ent historical>sepsis</ent> due to pneumonia, now resolved
<ent negated>falls</ent> since the last visit - denies
<ent uncertain>malignancy</ent>? <ent uncertain>depression</ent>? <ent>weight loss</ent>
<ent negated>torsion</ent> was convincingly excluded
not all of the <ent>nodules</ent> are calcified
No pathologically enlarged <ent negated>lymph nodes</ent>
Gen -<ent negated>fever</ent>, -<ent negated>chills</ent>; CV +<ent>chest pain</ent>
(+) <ent>fatigue</ent>, (-) <ent negated>palpitations</ent>, <ent negated>tremor</ent>. <ent>Itching</ent>
(-) <ent negated>fever</ent>, seen on both arms: <ent>rash</ent>
Nausea: yes\\n<ent negated>Vomiting</ent>: no\\n<ent>Diarrhea</ent>: yes
PMH: <ent>asthma</ent>, <ent historical>tonsillectomy</ent>, denies <ent negated>stroke</ent>
<ent>COPD</ent>, s/p <ent historical>PCI</ent> in 2013, and <ent>hypertension</ent>
ten years ago he was hospitalized with <ent historical>pancreatitis</ent>
<ent historical>hysterectomy</ent> at 44, menarche at 12
oxygen <ent>desaturation</ent> at 88, weaned
in 2015 a crash resulting in <ent historical>pelvic fracture</ent>
<ent>nodule</ent> benign in 2019
<ent>murmur</ent> first heard in childhood
<ent>cough</ent> developed in March
had a <ent historical>blood clot</ent> after knee surgery in 2008
since his <ent historical>gastrectomy</ent> he gets <ent>cramps</ent>
cares for his wife, who has <ent family>dementia</ent>
mother with <ent family>melanoma</ent>, <ent>biopsy site</ent> is clean
mother with <ent family>melanoma</ent>, <ent family>asthma</ent> and <ent family>gout</ent>
sister, who had <ent family>lupus</ent>
family history reveals <ent family>gout</ent>; no <ent negated family>cancer</ent>
Grandmother (maternal): <ent family>glaucoma</ent>
history of <ent historical>appendectomy</ent> in 1990
history of <ent>hypertension</ent>, on lisinopril
s/p <ent historical>cholecystectomy</ent>, now with <ent>jaundice</ent>
no prior <ent negated historical>surgery</ent>
3 day history of <ent>cough</ent>
<ent historical>pneumonia</ent>, resolved
PAST SURGICAL HISTORY: <ent historical>appendectomy</ent>
PAST MEDICAL HISTORY: <ent>hypertension</ent>, <ent>asthma</ent>
return if <ent hypothetical>fever</ent> or <ent hypothetical>rash</ent>
at risk for <ent hypothetical>falls</ent>
aspirin to prevent <ent hypothetical>stroke</ent>
monitor for <ent hypothetical>bleeding</ent>
<ent hypothetical>DVT</ent> prophylaxis
Tylenol as needed for <ent hypothetical>pain</ent>
Call if you have any of the following:\\n- <ent hypothetical>fever</ent>\\n- <ent hypothetical>bleeding</ent>
mother has <ent family>diabetes</ent>. She takes insulin for <ent>hyperglycemia</ent>
no family history of <ent negated family>colon cancer</ent>
FAMILY HISTORY: Father <ent family>MI</ent> at 60. No <ent negated family>diabetes</ent>.
mother reports he has <ent>fever</ent>
mother had <ent family>breast cancer</ent> in 1990
<ent family>colon cancer</ent> (father)
His father died of <ent family>stroke</ent>; the patient has <ent>hypertension</ent>
no <ent negated>murmurs</ent>, <ent negated>rubs</ent>, <ent negated>gallops</ent>.
<ent>tremor</ent>, no <ent negated>head strike</ent>, <ent>orthostasis</ent>
<ent>cough</ent> +, <ent negated>fever</ent> -
<ent>cough</ent>+ <ent negated>hemoptysis</ent>-
<ent negated>rash</ent>, <ent negated>fever</ent>, <ent negated>cough</ent> all denied
<ent>edema</ent> not due to <ent negated>heart failure</ent>
no change in <ent>edema</ent> and no cure for <ent>ALS</ent>
unable to exclude <ent uncertain>fracture</ent>; cannot r/o <ent uncertain>abscess</ent>
the <ent>cough</ent> is likely <ent uncertain>viral</ent>
<ent uncertain>gout</ent> is likely, left knee
<ent uncertain>cancer</ent> unlikely but not excluded
had a big <ent historical>anterior MI</ent> in Feb 2021
she had a <ent historical>hysterectomy</ent> and now <ent>pain</ent>
2015 <ent historical>vaginal delivery</ent>, 2018 <ent historical>cesarean</ent> for breech
<ent historical>nephrectomy</ent> for trauma in 1995
he had been hospitalized twice in 2020 for <ent historical>pancreatitis</ent>
<ent>neck pain</ent> ever since a <ent historical>whiplash injury</ent> ten years ago
the <ent>cough</ent> began 2 months ago
was diagnosed with <ent>multiple sclerosis</ent> in 2011
as a child he had <ent historical>asthma</ent>
history of <ent historical>MI</ent>, on aspirin; history of <ent>lupus</ent>, on prednisone
<ent>CAD</ent> with <ent historical>MI</ent> in 2015
<ent>lungs</ent> unchanged, <ent historical>delirium</ent> has completely cleared
when <ent hypothetical>fever</ent> spikes, draw cultures
instructed to look for <ent hypothetical>lethargy</ent>
risk of <ent hypothetical>stroke</ent> with <ent>afib</ent>
Return precautions:\\n1. <ent hypothetical>chest pain</ent>\\n2. <ent hypothetical>fainting</ent>
Consent obtained: <ent hypothetical>bleeding</ent>, <ent hypothetical>infection</ent>
her boyfriend's <ent family>gonorrhea</ent> was treated
the patient's cousin, also present, has <ent family>TB</ent>
nobody in the family has <ent negated family>epilepsy</ent>
her daughter, a nurse, found him <ent>unresponsive</ent>
his mother is alive at 80 and has <ent family>gout</ent>
parents should return if <ent hypothetical>vomiting</ent>
no <ent negated>H. pylori</ent>, <ent negated>metaplasia</ent>, or <ent negated>dysplasia</ent> identified
no <ent negated>vomiting</ent>/<ent negated>diarrhea</ent>/c. PMH <ent>asthma</ent>
no <ent negated>bruits</ent>, no <ent negated>edema</ent>, and a <ent>soft murmur</ent>
no <ent negated>headache</ent> or <ent negated>fever</ent>, and the <ent>fracture</ent> is painful
history of <ent historical>hallucinations</ent> when using methamphetamine
hx <ent historical>DTs</ent>, <ent>schizophrenia</ent> on haloperidol
history of <ent historical>gastritis</ent>, , <ent>anemia</ent> on iron
<ent historical>delirium</ent>, felt due to <ent uncertain>opioids</ent>, had resolved
<ent historical>AKI</ent>: creatinine peaked at 2, now resolved
Ward: <ent>edema</ent> better, <ent>effusion</ent> on film, lines ok, healed <ent historical>scar</ent>
<ent>rash</ent> fading, sober since 2010
<ent historical>alcohol</ent>, sober since 2010
<ent>hemiparesis</ent> from a <ent historical>stroke</ent> in 2020
<ent historical>DVT</ent> after a <ent historical>knee replacement</ent> in 2011
<ent historical>bronchiolitis</ent> at 4 months, seen at 6 months
<ent historical>overdose</ent> at 19, <ent>pain</ent> at 8
<ent>CAD</ent> (<ent historical>MI</ent> 2010)
without <ent negated>effusion</ent>, D&C 2019 for <ent historical>abortion</ent>
naproxen since he had an <ent historical>ulcer</ent> in his forties
that five years ago she broke her <ent historical>ankle</ent>
eye exam negative for <ent negated>retinopathy</ent>, statin to prevent <ent hypothetical>stroke</ent>
screen negative for <ent negated>fentanyl</ent>, <ent>overdose</ent> x2
no <ent negated>ulcer</ent>, biopsied, call for <ent hypothetical>fever</ent> or <ent hypothetical>rigor</ent>
mother <ent family>osteoporosis</ent>, scan to screen for <ent hypothetical>osteoporosis</ent>
aunt <ent family>breast cancer</ent>, <ent historical>fibroadenoma</ent> removed 2014
taught to report <ent hypothetical>redness</ent>, <ent historical>amputation</ent> 2019
risks include <ent hypothetical>infection</ent>, need for a drain, and <ent hypothetical>death</ent>
if negative resume warfarin for <ent>flutter</ent>
<ent uncertain>sclerosis</ent> remains possible but <ent uncertain>neuritis</ent> more likely
if <ent hypothetical>bleeding</ent> call
cardiac risk: family history; no <ent negated>gout</ent>
no <ent negated>deficits</ent>, <ent>cholecystectomy</ent>
the patient did present with <ent>chest pain</ent>
x-ray showed <ent>gout</ent>, I believe this is <ent uncertain>septic</ent>
no <ent negated>fever</ent>, and chest film to rule out <ent uncertain>cancer</ent>
once thought to have <ent negated>lupus</ent>, a diagnosis since discarded
the following were not found: <ent negated>rash</ent>, <ent negated>edema</ent>
<ent>ulcerative colitis</ent> in remission; <ent historical>lymphoma</ent> in remission
the <ent historical>abscess</ent> for which he was admitted has cleared
her <ent historical>rash</ent>, for which she took steroids, has resolved
a <ent historical>hematoma</ent> following line placement which resolved
<ent historical>lung ca</ent> s/p <ent historical>lobectomy</ent>, check for <ent uncertain>recurrence</ent>
<ent>lung cancer</ent> status post <ent historical>lobectomy</ent>, now with <ent>recurrence</ent>
watch for signs of a leak: <ent hypothetical>fever</ent>, <ent hypothetical>pain</ent>
return for fever: <ent>gout</ent>
the previously noted <ent>cyst</ent> is stable
screening for <ent negated>depression</ent> was negative
the <ent historical>infection</ent> she developed after surgery has since healed
<ent historical>lymphoma</ent> s/p ABVD 1998; <ent>cataract</ent>, s/p IOL 2020
status post valve <ent historical>replacement</ent> for <ent historical>aortic stenosis</ent>
hx <ent>gout</ent>, <ent historical>splenectomy</ent>
as a child he was diagnosed with <ent>asthma</ent>
as a child he had <ent historical>asthma</ent>
<ent uncertain>sarcoidosis</ent> should be excluded
without <ent negated>apnea</ent> or <ent negated>spells</ent>, and <ent historical>jaundice</ent> resolved
<ent historical>anemia</ent> resolved after <ent historical>hysterectomy</ent>
the <ent>back pain</ent> began years ago
hx <ent>gout</ent>, <ent historical>stroke</ent> age 6, <ent historical>splenectomy</ent>
without treatment she might suffer <ent hypothetical>a stroke</ent>
the <ent historical>cough</ent> she had in the winter has resolved
the <ent historical>sepsis</ent>, from a urinary source, has resolved
<ent>cirrhosis</ent> from <ent historical>alcohol</ent>, sober 3 years
prevent further progression of <ent>COPD</ent>
he had been treated in March for <ent historical>hepatitis</ent> with interferon
past surgeries: <ent historical>two cesarean sections</ent>, and a <ent historical>cuff repair</ent>
past <ent historical>falls</ent>, and a <ent>rash</ent> is seen
<ent historical>embolism</ent> after <ent historical>surgery</ent> in 2008
<ent negated>mass</ent> was felt to be excluded
<ent historical>breast cancer</ent>, radiation 2010, no evidence of <ent negated>recurrence</ent>
<ent>breast cancer</ent> on tamoxifen since 2010, no evidence of <ent negated>recurrence</ent>
<ent>lung cancer</ent>, no evidence of <ent negated>disease</ent> in the brain
diet to prevent <ent hypothetical>gout</ent>, and lovenox was discontinued years ago
the <ent historical>fever</ent> broke overnight
hx of <ent>gout</ent>, <ent historical>skin cancer</ent> at 31 and <ent historical>a crash</ent> in college
<ent>incontinence</ent> following <ent historical>radiation</ent> for <ent historical>sarcoma</ent> in 2003
well until 2018, when he had <ent historical>a stroke</ent> leaving <ent>aphasia</ent>
well until 2018, when she noticed <ent>tremor</ent>
a few years ago, while she was abroad, she had <ent historical>a stroke</ent>
years ago, while abroad. <ent>tremor</ent> now
the left <ent historical>effusion</ent> has cleared and the right <ent>effusion</ent> is larger
<ent historical>afib</ent> s/p <ent historical>ablation</ent> 2019 without <ent negated>recurrence</ent>
no <ent negated>clubbing</ent>, <ent negated>cyanosis</ent>, trace <ent>edema</ent>
lack of contrast limits evaluation for <ent uncertain>abscess</ent>
both parents lived to 90 and neither had <ent negated family>dementia</ent>
<ent>sarcoma</ent> diagnosed in May and is on chemotherapy
he was diagnosed with <ent>sarcoma</ent> in 2019 and is on chemotherapy
two weeks ago she developed <ent>a rash</ent>
newly found <ent>mass</ent> on films taken a month ago
underwent <ent historical>repair</ent> of a <ent>fracture</ent> this morning
no <ent negated>sequelae</ent> of her prior <ent historical>meningitis</ent>
CABG x3 for <ent historical>infarction</ent> in 1999
<ent>pain</ent> which failed <ent historical>laminectomy</ent> in 2015
<ent>gout</ent>, resolved <ent historical>anemia</ent>
<ent>gout</ent>, <ent historical>anemia</ent>, resolved
PMH: <ent>chronic pancreatitis</ent>, <ent>PE</ent> on Eliquis, <ent historical>CVA</ent>.
<ent historical>melanoma</ent> of the arm, excision 2016
<ent>melanoma</ent> of the arm, excision 2016, on chemotherapy
<ent>seizures</ent>, <ent historical>concussions</ent> x4
last colonoscopy 2016 with <ent historical>polyp</ent>
last colonoscopy 2016 was notable for <ent historical>polyps</ent>
father, who had <ent family>gout</ent>, died at 70
PPX: heparin for <ent hypothetical>DVT</ent>
while pregnant in 2019 she had <ent historical>cholestasis</ent>
<ent>cirrhosis</ent> c/b <ent historical>SBP</ent> x1
seen two years ago because of <ent historical>rectal bleeding</ent>
<ent historical>stroke</ent> in 1996 with <ent>weakness</ent> that persists
depression, <ent historical>single episode</ent>, resolved years ago
<ent>pancreatitis</ent>, resolved <ent historical>jaundice</ent>, mild <ent>anemia</ent>
he takes statins, which I started in 2018, and <ent>insulin</ent> for <ent>diabetes</ent>
stent in 2016 for <ent>CAD</ent>
was in a crash in 1998, sustaining <ent historical>a femur fracture</ent>
fell in May and fractured her <ent historical>wrist</ent>
had <ent historical>similar pain</ent> two years ago and was found to have <ent historical>gallstones</ent>
seen six months ago and was found to have <ent>pancreatic cancer</ent>
presented to clinic 2 weeks ago c/o <ent historical>dysuria</ent>, treated
in 2009 he was hospitalized for <ent historical>diverticulitis</ent> with <ent historical>perforation</ent>
ten years ago he was hospitalized for <ent historical>a stroke</ent> with residual <ent>aphasia</ent>
hospitalized in March after <ent historical>an allergic reaction</ent>
She had <ent historical>vertigo</ent> for two days. This has since resolved.
<ent>Cough</ent> is worse. Had <ent historical>vertigo</ent> and <ent historical>nausea</ent>. Both resolved.
These symptoms have resolved. <ent>Cough</ent> persists.
<ent historical>melanoma</ent> of the back, excised with clear margins in 2013
<ent>osteoporosis</ent> with <ent historical>fractures</ent> in the past
2015 - <ent historical>asthma exacerbation</ent>; 2017 - <ent historical>pneumonia</ent>
on concern for <ent uncertain>C. diff</ent> given <ent historical>C. diff</ent> in February
Hx: <ent historical>MVC</ent> 2020 with <ent historical>pelvic fracture</ent>
had been taking ibuprofen for <ent historical>a sprain</ent> when the <ent>melena</ent> started
<ent historical>Thyroid CA</ent> 2010, total <ent historical>thyroidectomy</ent>, now <ent>tired</ent>
<ent historical>TIA</ent> 2010, elective <ent>hemorrhoidectomy</ent>, doing well
The patient was diagnosed with <ent>lung cancer</ent> last month.
had a CT done last year for <ent historical>abdominal pain</ent>
She was treated for <ent historical>chlamydia</ent>.
HOSPITAL COURSE: She was treated for <ent>urosepsis</ent>.
She was treated for presumed <ent uncertain>urosepsis</ent>.
You were treated for <ent>urosepsis</ent>.
Lactate was 2.8 and blood pressure low, and she was treated for <ent>urosepsis</ent>.
seen a month ago with <ent historical>ear pain</ent> and was treated for <ent historical>otitis</ent>
His <ent historical>DVT</ent> was treated for six months with Xarelto.
we saw her last year when she was having <ent historical>hot flashes</ent>
<ent historical>cholecystitis</ent>, s/p lap chole
In 2005 he was in a crash. He suffered <ent historical>a fracture</ent>. He walks with <ent>a limp</ent>.
In 2010 he had <ent historical>a bleed</ent>. His course was complicated by <ent historical>ARDS</ent>.
He had <ent historical>a stroke</ent> in 2015. Today he developed <ent>a fracture</ent>.
He had <ent historical>a stroke</ent> in 2015. His knee developed <ent>a clot</ent>.
He had <ent historical>a bleed</ent> in 2015. Afterwards he had <ent historical>nausea</ent>.
known from a prior admission in 2016, when he had <ent historical>cholangitis</ent>
diagnosed with <ent>metastatic lung cancer</ent> in 3/2020
Imaging 6 months ago: <ent>nodule</ent>; today 8 mm
""".strip().splitlines()


@pytest.fixture(scope="module")
def nlp() -> Language:
    made = spacy.blank("en")
    made.tokenizer = ClinicalTokenizer(made.vocab)
    for name in ("suggester_sections", "suggester_sentences", "suggester_assertion"):
        made.add_pipe(name)
    return made


def parse(marked: str) -> tuple[str, list[tuple[int, int, set[str]]]]:
    text, entities, end = "", [], 0
    marked = marked.replace("\\n", "\n")
    for match in TAG.finditer(marked):
        text += marked[end : match.start()]
        entities.append((len(text), len(text) + len(match[2]), set(match[1].split())))
        text += match[2]
        end = match.end()
    return text + marked[end:], entities


def flags_at(doc: Doc, start: int, end: int) -> set[str]:
    table = token_table(doc)
    assertion = assertion_table(doc).at(table.token_at(start), table.token_at(end - 1) + 1)
    assert {cue.flag for cue in assertion.cues} == {name for name in FLAGS if getattr(assertion, name)}
    for cue in assertion.cues:
        assert doc.text[cue.span.start : cue.span.end].split() == cue.text.split()
        assert cue.rule_id
    return {name for name in FLAGS if getattr(assertion, name)}


@pytest.mark.parametrize("marked", SENTENCES)
def test_assertion_of_marked_sentences(nlp: Language, marked: str) -> None:
    text, entities = parse(marked)
    assert entities
    doc = nlp(text)
    assert [flags_at(doc, start, end) for start, end, _ in entities] == [wanted for _, _, wanted in entities]


def test_assertion_flags_are_masks_of_the_tokens(nlp: Language) -> None:
    table = assertion_table(nlp("No fever. Possible flu. Old stroke. If pain. Mother with gout."))
    masks = {2: 0, 1: 1, 4: 2, 7: 4, 10: 8, 14: 16}
    assert {index: table.flags[index] for index in masks} == masks


def test_assertion_cue_inside_the_mention_does_not_count(nlp: Language) -> None:
    table = assertion_table(nlp("diabetes without complications"))
    assert table.at(0, 3).affirmed
    assert table.at(2, 3).negated


def test_assertion_at_is_cached_and_bounded(nlp: Language) -> None:
    table = assertion_table(nlp("no fever"))
    assert table.at(1, 2) is table.at(1, 2)
    assert table.at(5, 9).affirmed
    assert table.at(1, 1).affirmed


@settings(deadline=None)
@given(
    st.one_of(
        st.text(max_size=150),
        st.lists(
            st.sampled_from(
                [
                    "no",
                    "denies",
                    "fever",
                    ",",
                    "or",
                    "mother",
                    "possible",
                    "history of",
                    "in 1990",
                    ":",
                    "\n",
                    "- ",
                    "[ ]",
                    "(-)",
                    "+",
                    "if",
                    "?",
                    ";",
                    "N",
                    "PLAN:",
                    "ruled out",
                ]
            ),
            max_size=40,
        ).map(" ".join),
    )
)
def test_assertion_never_raises_and_repeats(nlp: Language, text: str) -> None:
    safe = text.encode("utf-8", "replace").decode("utf-8")
    doc = nlp(safe)
    table = assertion_table(doc)
    assert len(table.flags) == len(doc)
    for index in range(len(doc)):
        flags = {name for name in FLAGS if getattr(table.at(index, index + 1), name)}
        mask = sum(1 << place for place, name in enumerate(FLAGS) if name in flags)
        assert mask & ~table.flags[index] == 0
    again = assertion_table(nlp(safe))
    assert (again.flags, again.scopes) == (table.flags, table.scopes)
    (batched,) = nlp.pipe([safe])
    assert assertion_table(batched).scopes == table.scopes


@pytest.mark.parametrize(
    "piece",
    [
        "no ",
        "no a, ",
        "history of because ",
        "[ ] ",
        "(-) a ",
        "absent, ",
        "no:\n- a\n",
        "mother ",
        "possible or ",
        "/ ",
        "1. A ",
        "A:\n",
        "A: x. ",
        "had a b ",
        "in 2019 for ",
        "a+ b- ",
        ", mother ",
        "in 2019 a colectomy ",
        "TIA 2010, colectomy ",
        "He had a stroke in 2010. He suffered a fall. ",
        "This has resolved. ",
    ],
)
def test_assertion_work_is_linear(nlp: Language, piece: str) -> None:
    steps = []
    for size in (2_000, 8_000):
        table = assertion_table(nlp(piece * (size // len(piece))))
        steps.append(sum(scope.end - scope.start for scope in table.scopes) + 1)
    assert steps[1] <= 5 * steps[0] + 200


def book(*rows: tuple[str, str]) -> CueBook:
    made = CueBook({"mother": ("<member>",), "1990s": ("<decade>",)})
    for cue, direction in rows:
        made.add(cue, (Modifier(1, direction, 40, "clause", cue),))
    return made


@pytest.mark.parametrize(
    ("cue", "text", "end"),
    [
        ("no (clear|) evidence of", "no evidence of x", 3),
        ("no (clear|) evidence of", "no clear evidence of x", 4),
        ("(was|were) (ruled|thrown) out", "were thrown out", 3),
        ("<member> (has|had (a|an))", "mother had an x", 3),
        ("<num> days ago", "12 days ago", 3),
        ("in <year>", "in 1990 x", 2),
        ("hold <any> for", "hold aspirin for", 3),
        ("( (old|prior) )", "( prior )", 3),
        ("( - )", "( - ) x", 3),
        ("in the <decade>", "in the 1990s x", 3),
        ("had <surgery>", "had gastrectomy x", 2),
        ("no", "none", None),
        ("in <year>", "in 90", None),
        ("^ should", "x should", None),
    ],
)
def test_cue_book_matches_alternatives_and_classes(cue: str, text: str, end: int | None) -> None:
    words = text.split()
    found = book((cue, "forward")).longest(words, 0, len(words))
    assert (found[0] if found else None) == end


def test_cue_book_remembers_a_bounded_number_of_words() -> None:
    made = book(("no <any> of", "forward"))
    made._room = made._most = 3
    for number in range(50):
        assert made.longest(["no", f"w{number}", "of"], 0, 3) is not None
    state = made._step(made._root(), "no")
    assert state is not None
    assert 1 <= len(state.by_word) <= 3


def test_cue_book_prefers_the_longest_and_the_pseudo_cue() -> None:
    made = book(("no", "forward"), ("no change", "pseudo"), ("no change", "forward"), ("^ if", "forward"))
    found = made.longest(["no", "change", "in"], 0, 3)
    assert found is not None
    assert (found[0], [modifier.direction for modifier in found[1]]) == (2, ["pseudo"])
    assert made.longest(["if"], 0, 1) is None
    assert made.longest(["if"], 0, 1, first=True) is not None


@pytest.mark.parametrize("cue", ["(a|)", "when(ever|) so"])
def test_cue_book_refuses_cues_that_cannot_be_meant(cue: str) -> None:
    with pytest.raises(ValueError, match=r"empty|blanks"):
        book((cue, "forward"))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("no\tnegative\tforward\t\tclause\tr", "flag 'negative'"),
        ("no\tnegated\tonward\t\tclause\tr", "direction 'onward'"),
        ("no\tnegated\tforward\tfew\tclause\tr", "max_words 'few'"),
        ("no\tnegated\tforward\t\thard\tr", "reach 'hard'"),
        ("but\tall\tterminate\t\tclause\tr", "reach 'clause'"),
        ("no\tall\tforward\t\tclause\tr", "flag 'all'"),
        ("no\tnegated\tforward\t\tclause\t", "no id"),
        ("<kin> has\tfamily\tforward\t\tclause\tr", "unknown class <kin>"),
        ("no(ne|)\tnegated\tforward\t\tclause\tr", "between blanks"),
        ("no\tnegated\tforward\t\tclause\tr\tmore", "cells"),
    ],
)
def test_cues_refuse_unknown_values(tmp_path: Path, row: str, message: str) -> None:
    (tmp_path / "word_classes.tsv").write_text("word\tclass\nmother\tmember\n")
    (tmp_path / "assertion_x.tsv").write_text(f"cue\tflag\tdirection\tmax_words\treach\trule\n{row}\n")
    with pytest.raises(LexiconError, match=message):
        read_cues(tmp_path)


def test_cues_refuse_unknown_columns(tmp_path: Path) -> None:
    (tmp_path / "word_classes.tsv").write_text("word\tclass\n")
    (tmp_path / "assertion_x.tsv").write_text(
        "cue\tflag\tdirection\tmax_words\treach\trule\tnote\nno\tnegated\tforward\t\tclause\tr\tx\n"
    )
    with pytest.raises(LexiconError, match="columns"):
        read_cues(tmp_path)


def test_section_rules_refuse_unknown_flags(tmp_path: Path) -> None:
    (tmp_path / "section_flags.tsv").write_text("kind\tflag\trule\nfamily\tkin\tr\n")
    with pytest.raises(LexiconError, match="flag 'kin'"):
        read_section_rules(tmp_path)


def test_assertion_missing_is_an_error_that_names_the_pipe() -> None:
    with pytest.raises(ConfigError, match="suggester_assertion"):
        assertion_table(spacy.blank("en")("x"))


def test_assertion_examples_run() -> None:
    result = doctest.testmod(assertion)
    assert result.attempted > 1
    assert result.failed == 0
