// The E/M worksheet: how the level of the visit was found, element by element, with the words of the note.
import { button, el, put } from './dom.js'

const ELEMENTS = [['problems', 'Problems'], ['data', 'Data'], ['risk', 'Risk']]
const BASES = {
  mdm: 'by medical decision making',
  time: 'by time',
  age: 'by age (preventive visit)',
  discharge: 'discharge day',
  nurse: 'nurse visit',
  'critical care': 'critical care'
}

export function worksheet (em, showSpan) {
  const quotes = (evidence) => evidence.map((item) =>
    button('“' + item.text.replace(/\s+/g, ' ') + '”', () => showSpan(item), { class: 'sg-quote' }))
  const line = (name, level, why, items) => el('tr', {}, el('th', { scope: 'row' }, name), el('td', { class: 'sg-level' }, level),
    el('td', {}, why ? el('p', {}, why) : null, ...items.map((item) =>
      el('div', { class: 'sg-emitem' }, item.name ? el('span', {}, item.name) : null, ...quotes(item.evidence)))))
  const table = el('table', {}, el('tbody', {}))
  for (const [key, name] of ELEMENTS) {
    const element = em[key]
    if (element) table.tBodies[0].append(line(name, element.level, element.reason, element.items))
  }
  if (em.minutes !== null || em.time_evidence.length) {
    table.tBodies[0].append(line('Time', em.minutes === null ? '' : em.minutes + ' min', '', [{ evidence: em.time_evidence }]))
  }
  table.tBodies[0].append(line('Patient', em.patient_status, '', [{ evidence: [...em.status_evidence, ...em.category_evidence] }]))
  const box = el('details', { class: 'sg-em', open: true },
    el('summary', {}, 'E/M worksheet: ', el('span', { class: 'sg-code' }, em.code), ' ', BASES[em.basis] || em.basis))
  put(box, el('ul', { class: 'sg-whys' }, ...em.reasons.map((text) => el('li', {}, text))), table)
  if (em.alternatives.length) put(box, el('p', { class: 'sg-means' }, 'A payer may want instead: ' + em.alternatives.join(', ')))
  if (em.missing.length) {
    put(box, el('p', { class: 'sg-sub' }, 'For the next level the note would need'), el('ul', { class: 'sg-missing' }, ...em.missing.map((text) => el('li', {}, text))))
  }
  return box
}
