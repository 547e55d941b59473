// The list of suggestions: one line a code, more on demand for the one at hand.
import { button, el, empty, into, key, percent, plural, put } from './dom.js'
import { REASONS, SIGNS, STATES, SYSTEMS } from './words.js'

const VAGUE = /\bunspecified\b|\bwithout complications?\b/i

export class RowList {
  // hooks: select(id), decide(action, id), replace(id), reason(id, text), ladder(row), addCode(system, code, replaceId),
  //        showSpan(span), query(id), undo(id)
  constructor (hooks) {
    this.hooks = hooks
    this.list = el('ol', { class: 'sg-rows', 'aria-label': 'Suggested codes' })
    this.nodes = new Map()
    this.flagged = new Map()
    this.open = true
    this.choosing = null
  }

  show (view) {
    this.view = view
    this.nodes.clear()
    empty(this.list)
    for (const row of view.rows) this.list.append(this.#line(row))
  }

  #line (row) {
    const line = el('li', { class: 'sg-row', 'data-row': row.id })
    this.nodes.set(row.id, line)
    this.paint(row)
    return line
  }

  paint (row) {
    const line = this.nodes.get(row.id)
    if (!line) return
    const now = row.id === this.current
    this.flagged.set(row.id, standing(row.flags, this.view.rows).length)
    line.className = ['sg-row', row.state, row.sync ? 'pending-sync' : '', now ? 'current' : ''].join(' ').trim()
    put(empty(line), this.#head(row, now))
    if (now) line.append(this.#actions(row), this.#more(row))
  }

  // Paint anew the rows whose flags a decision has settled or raised again.
  reflag () {
    for (const row of this.view.rows) {
      if (row.flags.length && this.flagged.get(row.id) !== standing(row.flags, this.view.rows).length) this.paint(row)
    }
  }

  #head (row, now) {
    const replaced = row.state === 'replaced' && row.replacement
    const said = row.sync ? 'saving' : STATES[row.state]
    const title = row.display || (row.system === 'CPT' ? 'CPT code ' + row.code : 'no title')
    const head = button([
      el('span', { class: 'sg-sign', 'aria-hidden': true }, row.sync ? '…' : SIGNS[row.state]),
      el('span', { class: 'sg-code' }, replaced ? el('s', {}, row.code) : row.code, replaced ? ' → ' + row.replacement.code : null),
      el('span', { class: 'sg-sys sys-' + row.system }, SYSTEMS[row.system]),
      el('span', { class: 'sg-title' }, replaced ? row.replacement.display || title : title),
      row.confidence === null
        ? el('span', { class: 'sg-added' }, 'added')
        : el('span', { class: 'sg-conf' }, bar(row.confidence), el('span', { class: 'sg-pct' }, percent(row.confidence))),
      el('span', { class: 'sg-line2' }, ...this.#second(row)),
      el('span', { class: 'sg-hidden' }, ', ' + said)
    ], () => this.hooks.select(row.id), { class: 'sg-head', 'aria-current': now ? 'true' : null })
    return head
  }

  #second (row) {
    const flags = standing(row.flags, this.view.rows)
    const worst = flags.find((f) => f.severity === 'error') || flags.find((f) => f.severity === 'warning') || flags[0]
    const out = []
    const extra = modified(row)
    if (extra) out.push(el('span', { class: 'sg-mod' }, extra))
    if (row.state === 'rejected' && row.reason) return [el('span', { class: 'sg-why' }, row.reason)]
    if (worst) {
      out.push(el('span', { class: 'sg-flag ' + worst.severity }, flagSign(worst), ' ', worst.message),
        flags.length > 1 ? el('span', { class: 'sg-count' }, '+' + (flags.length - 1)) : null)
    }
    if (!worst && row.reasons.length && !(this.open && row.id === this.current)) out.push(el('span', { class: 'sg-why' }, row.reasons[0]))
    if (VAGUE.test(row.display) && row.state !== 'rejected') out.push(el('span', { class: 'sg-vague' }, 'could be more specific'))
    return out
  }

  #actions (row) {
    const decided = row.state !== 'pending'
    const box = el('div', { class: 'sg-actions' })
    if (this.readOnly) return box
    if (this.choosing === row.id) {
      const ask = el('div', { class: 'sg-reasons', role: 'group', 'aria-label': 'Reason to reject' },
        el('span', {}, 'Why not?'),
        ...REASONS.map((text, i) => button([key(String(i + 1)), text], () => this.hooks.reason(row.id, text))),
        button('Cancel', () => this.choose(null)))
      put(box, ask)
      return box
    }
    put(box, 
      button([key('A'), 'Accept'], () => this.hooks.decide('accept', row.id), { class: 'yes', 'aria-pressed': String(row.state === 'accepted') }),
      button([key('X'), 'Reject'], () => this.choose(row.id), { class: 'no', 'aria-pressed': String(row.state === 'rejected') }),
      button([key('E'), 'Replace'], () => this.hooks.replace(row.id), { 'aria-pressed': String(row.state === 'replaced') }),
      button([key('Q'), 'Ask'], () => this.hooks.query(row.id), { title: 'Draft a question to the physician' }),
      decided ? button([key('Z'), 'Undo'], () => this.hooks.undo(row.id)) : null)
    return box
  }

  choose (id) {
    const before = this.choosing
    this.choosing = id
    for (const each of [before, id]) if (each) this.paint(this.#row(each))
  }

  #row (id) { return this.view.rows.find((row) => row.id === id) }

  #more (row) {
    const box = el('div', { class: 'sg-more' })
    if (!this.open) return box
    if (row.confidence !== null) {
      const of = Math.round(row.confidence * 100)
      put(box, el('p', { class: 'sg-means' }, `Of 100 suggestions like this, about ${of} are right.`))
    }
    const flags = standing(row.flags, this.view.rows)
    if (flags.length) {
      put(box, el('ul', { class: 'sg-flags' }, ...flags.map((flag) => el('li', { class: 'sg-flag ' + flag.severity },
        flagSign(flag), ' ', flag.message, flag.source ? el('span', { class: 'sg-source' }, ' ' + flag.source) : null))))
    }
    if (row.reasons.length) put(box, el('ul', { class: 'sg-whys' }, ...row.reasons.map((text) => el('li', {}, text))))
    if (row.evidence.length) {
      put(box, el('div', { class: 'sg-quotes' }, ...row.evidence.map((item) =>
        button(['“', item.quote.replace(/\s+/g, ' '), '” ', el('span', { class: 'sg-where' }, item.section.replaceAll('_', ' '))],
          () => this.hooks.showSpan(item.span), { class: 'sg-quote' }))))
    }
    for (const item of row.modifiers) {
      put(box, el('p', {}, el('span', { class: 'sg-mod' }, 'Modifier ' + item.modifier), ' ' + item.reason))
    }
    if (row.units) put(box, el('p', {}, el('span', { class: 'sg-mod' }, plural(row.units, 'unit'))))
    if (row.system === 'ICD-10-CM' && !row.added) this.#ladder(row, box)
    return box
  }

  #ladder (row, box) {
    const place = el('div', { class: 'sg-ladder' })
    put(box, place)
    const draw = (steps) => {
      if (!steps.length) return
      put(place, el('p', { class: 'sg-sub' }, 'More specific, if the note says so'),
        el('ul', {}, ...steps.slice(0, 6).map((step) => el('li', {},
          button([el('span', { class: 'sg-code' }, step.code), ' ', el('span', { class: 'sg-title' }, step.display)],
            () => this.hooks.addCode(step.system, step.code, row.id), { title: 'Replace by this code', disabled: this.readOnly }),
          el('span', { class: 'sg-needs' },
            ...step.present.map((word) => el('span', { class: 'has' }, '✓ ' + word)),
            ...step.missing.map((word) => el('span', { class: 'lacks' }, 'needs “' + word + '”')))))))
    }
    if (row.steps) return draw(row.steps)
    clearTimeout(this.later)
    this.later = setTimeout(() => this.hooks.ladder(row).then((steps) => { row.steps = steps; if (place.isConnected) draw(steps) }, () => {}), 180)
  }

  select (id, { scroll = true } = {}) {
    const before = this.current
    this.current = id
    if (this.choosing && this.choosing !== id) this.choosing = null
    if (before && before !== id && this.nodes.has(before)) this.paint(this.#row(before))
    if (id && this.nodes.has(id)) {
      this.paint(this.#row(id))
      if (scroll) into(this.nodes.get(id), this.list.closest('.sg-list'))
    }
  }

  toggle () {
    this.open = !this.open
    if (this.current) this.paint(this.#row(this.current))
  }
}

// Modifiers and units in short: "-25, 3 units"; empty where there are none.
export function modified ({ modifiers, units }) {
  const names = modifiers.map((item) => '-' + (item.modifier || item))
  return [...names, units && units !== 1 ? plural(units, 'unit') : null].filter(Boolean).join(', ')
}

export function bar (value) {
  const level = value >= 0.9 ? 'high' : value >= 0.6 ? 'mid' : 'low'
  const inner = el('span', { class: 'sg-fill ' + level })
  inner.style.width = percent(value)
  return el('span', { class: 'sg-bar', 'aria-hidden': true }, inner)
}

// The flags whose codes are still in play: one of several codes stands while two of them are not rejected or replaced.
export function standing (flags, rows) {
  const inPlay = (code) => {
    const own = rows.filter((row) => row.code === code || row.replacement?.code === code)
    return !own.length || own.some((row) => row.state === 'replaced' ? row.replacement?.code === code : row.state !== 'rejected')
  }
  return flags.filter((flag) => flag.codes.filter(inPlay).length >= Math.min(2, flag.codes.length))
}

export function flagSign (flag) {
  return { error: '▲', warning: '△', info: '•' }[flag.severity] || '·'
}
