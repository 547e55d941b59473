// The keys of the review page. They are commands only where nobody types and no dialog is open.
import { isTyping } from './dom.js'
import { REASONS } from './words.js'

export function onKey (review, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
  if (isTyping(event) || document.querySelector('dialog[open]') || review.root.querySelector('.sg-tour')) return
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key
  const command = review.screen === 'summary' ? summaryKey(review, name, event) : reviewKey(review, name, event)
  if (!command) return
  event.preventDefault()
  event.stopImmediatePropagation()
  command()
}

function reviewKey (review, name, event) {
  if (!review.view) return name === 'n' ? () => review.next({ leave: false }) : null
  if (review.rows.choosing) return reasonKey(review, name)
  // On a button, Enter and Space are the button's.
  if ((name === 'Enter' || name === ' ') && event.composedPath()[0].closest?.('button, a, summary, select')) return null
  return {
    a: () => review.decide('accept'),
    x: () => { if (!review.barred() && review.rows.current) review.rows.choose(review.rows.current) },
    e: () => review.search('replace'),
    j: () => review.move(1),
    k: () => review.move(-1),
    ArrowDown: () => review.move(1),
    ArrowUp: () => review.move(-1),
    Enter: () => review.rows.toggle(),
    z: () => review.undo(),
    '/': () => review.search('add'),
    b: () => review.bulk(),
    q: () => review.query(),
    f: () => review.toSummary(),
    n: () => review.next(),
    '[': () => review.note.step(-1),
    ']': () => review.note.step(1),
    '?': () => review.help()
  }[name]
}

// While the reason of a rejection is asked for, nothing else is done: no key may reject or accept by accident.
function reasonKey (review, name) {
  const number = Number(name)
  if (number >= 1 && number <= REASONS.length) {
    return () => { review.rows.choose(null); review.decide('reject', { reason: REASONS[number - 1] }) }
  }
  if (name === 'Escape') return () => review.rows.choose(null)
  if (name.length > 1 && name !== 'Enter') return null
  return () => review.announce(`Choose a reason for ${review.row(review.rows.choosing).code}: 1 to ${REASONS.length}, or Escape.`, true)
}

function summaryKey (review, name, event) {
  if (event.shiftKey && (name === 'j' || name === 'k')) return () => review.summary.shift(name === 'j' ? 1 : -1)
  return {
    Escape: () => review.showScreen('review'),
    j: () => review.summary.step(1),
    k: () => review.summary.step(-1),
    f: () => { if (review.view.status !== 'finished') review.summary.finish() },
    n: () => review.next(),
    '?': () => review.help()
  }[name]
}
