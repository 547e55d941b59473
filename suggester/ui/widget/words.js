// The words that the widget shows, apart from its logic.

export const SYSTEMS = { 'ICD-10-CM': 'Dx', CPT: 'CPT', HCPCS: 'HCPCS' }

export const STATES = { pending: 'not decided', accepted: 'accepted', rejected: 'rejected', replaced: 'replaced' }
export const SIGNS = { pending: '', accepted: '✓', rejected: '✕', replaced: '⇄' }

export const REASONS = [
  'not supported by the note',
  'ruled out or negated',
  'history only, not current',
  'not addressed in this visit',
  'included in another code',
  'wrong detail (side, type, stage)',
  'duplicate'
]

export const MARKS = {
  negated: 'ruled out',
  uncertain: 'uncertain',
  historical: 'in the past',
  hypothetical: 'possible in future',
  family: 'a relative’s'
}

export const NOTES = {
  inclusionTerm: 'Conditions named here',
  includes: 'Includes',
  excludes1: 'Never together with (Excludes 1)',
  excludes2: 'Not included here (Excludes 2)',
  codeFirst: 'Code first',
  useAdditionalCode: 'Use an additional code',
  codeAlso: 'Code also',
  notes: 'Note'
}

export const KEYS = [
  ['A', 'accept the code'],
  ['X', 'reject it, then 1 to 7 for the reason'],
  ['E', 'replace it by another code'],
  ['J  K', 'next and previous code (also ↓ ↑)'],
  ['Enter', 'show or hide the details of a code'],
  ['Z', 'undo your last decision'],
  ['/', 'search a code; with words selected, add one to them'],
  ['B', 'accept all above a confidence'],
  ['Q', 'draft a question to the physician'],
  ['[  ]', 'previous and next section of the note'],
  ['F', 'coding summary, to order codes and finish'],
  ['N', 'next note'],
  ['?', 'this help']
]

export const QUERY_KINDS = {
  specificity: 'more detail is needed',
  uncertain: 'uncertain diagnosis',
  conflict: 'the note contradicts itself',
  cause: 'cause or link is not stated',
  support: 'no support for a diagnosis'
}

export const TOUR = [
  ['.sg-note', 'The note', 'On the left is the note as it was written. Highlighted words are the evidence for a code. ' +
    'Words that were denied, feared, past or a relative’s are underlined in their own way: the legend below the note tells which.'],
  ['.sg-list', 'The suggestions', 'On the right are the suggested codes, what the note is about first. Press J and K to move. The words of the ' +
    'note that support a code light up as you go; click highlighted words to find their codes.'],
  ['.sg-row.current', 'Decide', 'Press A to accept and X to reject with a reason. E replaces the code by a better one. ' +
    'Z takes your last decision back. A decision shows “saving” until the server has it safely on disk.'],
  ['.sg-row.current .sg-bar', 'Confidence', 'The bar is a probability: of 100 suggestions at 90%, about 90 are right. ' +
    'Press B to accept all above a confidence; you see first how many of them are expected to be wrong.'],
  ['.sg-row.current .sg-more', 'Why, and what is missing', 'Here are the reasons, the rules that are touched, and the ladder: more specific ' +
    'codes and the words that the note would need for them.'],
  ['.sg-ledger', 'Not coded', 'What was read but not suggested, and why. Nothing is hidden: add a code from here if you disagree.'],
  ['.sg-find', 'Search', 'Press / to search by code, by words, or as a patient would say it. Select words in the note first and the ' +
    'code you pick is tied to them.'],
  ['.sg-finish', 'Finish', 'Press F when you are done: put the codes in order, give a reason for any flag that stands, and finish. ' +
    'N brings the next note.']
]
