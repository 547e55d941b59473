// The coding summary: codes in order, flags that stand with a reason, finish, download.
import { button, el, empty, key, plural, put } from './dom.js'
import { flagSign, modified } from './rows.js'
import { SYSTEMS } from './words.js'

export class SummaryPane {
  // hooks: order(rowId, position), back(), finish(overrides), next(), reopen(), focus(rowId)
  constructor (hooks) {
    this.hooks = hooks
    this.root = el('section', { class: 'sg-summary', 'aria-label': 'Coding summary', hidden: true })
    this.at = 0
  }

  show (summary, { readOnly, finished = null, blind = false } = {}) {
    this.summary = summary
    this.blind = blind
    this.codes = [...summary.codes].sort((a, b) => a.position - b.position)
    this.readOnly = readOnly
    this.finished = finished
    this.at = Math.min(this.at, Math.max(0, this.codes.length - 1))
    this.#draw()
  }

  #draw () {
    const done = this.summary.status === 'finished'
    put(empty(this.root), 
      el('div', { class: 'sg-sumin' },
        el('h2', {}, done ? 'Finished' : 'Coding summary'),
        el('p', { class: 'sg-soft' }, this.#lead(done)),
        this.#planted(),
        this.#list(done),
        done ? null : this.#flags(),
        this.#bottom(done)))
  }

  #lead (done) {
    const after = this.blind ? '' : ' The summary can be downloaded; the note can be reopened.'
    if (this.finished) {
      const seconds = Math.round(this.finished.seconds)
      const time = seconds >= 60 ? `${Math.floor(seconds / 60)} min ${seconds % 60} s` : seconds + ' s'
      return `${plural(this.codes.length, 'code')} in ${time}.${after}`
    }
    if (done) return `${plural(this.codes.length, 'code')}.${after}`
    const open = this.summary.pending ? ` ${plural(this.summary.pending, 'suggestion')} not decided and not in the summary.` : ''
    return 'The first diagnosis is the first-listed one. Move a code by dragging it, or with Shift and J or K.' + open
  }

  #planted () {
    const planted = this.finished?.planted || []
    if (!planted.length) return null
    return el('div', { class: 'sg-notice error', role: 'alert' },
      el('p', {}, `${plural(planted.length, 'code')} you accepted had been planted to test attention; the note does not support ` +
        (planted.length === 1 ? 'it' : 'them') + ': ' + planted.map((c) => c.code).join(', ') + '. Taken out of the summary.'))
  }

  #list (done) {
    if (!this.codes.length) {
      return el('p', { class: 'sg-notice' }, 'No codes yet. Go back and accept what the note supports, or finish without codes if that is right.')
    }
    this.lines = this.codes.map((code, i) => this.#line(code, i, done))
    return el('ol', { class: 'sg-final' }, ...this.lines)
  }

  #line (code, i, done) {
    const fixed = done || this.readOnly
    const line = el('li', { class: 'sg-fin' + (i === this.at && !fixed ? ' current' : ''), draggable: fixed ? null : 'true' },
      el('span', { class: 'sg-pos' }, String(i + 1)),
      el('span', { class: 'sg-code' }, code.code), el('span', { class: 'sg-sys sys-' + code.system }, SYSTEMS[code.system]),
      el('span', { class: 'sg-title' }, code.display, modified(code) ? el('span', { class: 'sg-mod' }, modified(code)) : null),
      i === 0 && code.system === 'ICD-10-CM' ? el('span', { class: 'sg-first' }, 'first-listed') : null,
      fixed
        ? null
        : el('span', { class: 'sg-move' },
          button('↑', () => this.move(i, i - 1), { 'aria-label': `Move ${code.code} up`, disabled: i === 0 }),
          button('↓', () => this.move(i, i + 1), { 'aria-label': `Move ${code.code} down`, disabled: i === this.codes.length - 1 })))
    if (fixed) return line
    line.addEventListener('dragstart', (event) => { this.dragged = i; event.dataTransfer.effectAllowed = 'move' })
    line.addEventListener('dragover', (event) => event.preventDefault())
    line.addEventListener('drop', (event) => { event.preventDefault(); this.move(this.dragged, i) })
    line.addEventListener('click', () => { this.at = i; this.#draw() })
    return line
  }

  step (by) {
    this.at = Math.max(0, Math.min(this.codes.length - 1, this.at + by))
    this.#draw()
  }

  shift (by) { this.move(this.at, this.at + by) }

  move (from, to) {
    if (this.readOnly || this.summary.status === 'finished' || to < 0 || to >= this.codes.length || from === to) return
    const [code] = this.codes.splice(from, 1)
    this.codes.splice(to, 0, code)
    this.at = to
    this.hooks.order(code.row_id, to + 1)
    this.#draw()
  }

  #flags () {
    const standing = this.summary.standing
    const others = this.summary.flags.filter((flag) => !standing.some((s) => s.rule_id === flag.rule_id && String(s.codes) === String(flag.codes)))
    this.fields = standing.map((flag, i) => ({ flag, field: el('input', { type: 'text', id: 'sg-override-' + i, maxlength: 500, placeholder: 'reason to finish all the same' }) }))
    if (!standing.length && !others.length) return el('p', { class: 'sg-notice ok' }, 'No rule stands against these codes.')
    return el('div', { class: 'sg-standing' },
      standing.length ? el('h3', {}, 'Needs a reason') : null,
      ...this.fields.map(({ flag, field }) => el('div', { class: 'sg-notice ' + flag.severity },
        el('label', { for: field.id }, flagSign(flag), ' ', flag.message, flag.source ? el('span', { class: 'sg-source' }, ' ' + flag.source) : null), field)),
      others.length ? el('h3', {}, 'For your information') : null,
      ...others.map((flag) => el('p', { class: 'sg-notice ' + flag.severity }, flagSign(flag), ' ', flag.message)))
  }

  #bottom (done) {
    const bottom = el('div', { class: 'sg-bottom' })
    this.said = el('p', { class: 'sg-notice error', role: 'alert', hidden: true })
    if (this.blind && done) {
      put(bottom, button([key('N'), 'Back to the audit'], () => this.hooks.next(), { class: 'main' }))
    } else if (done) {
      const id = encodeURIComponent(this.summary.note_id)
      put(bottom, 
        el('a', { href: `/export/${id}.csv`, download: 'coding-summary.csv', class: 'sg-button' }, 'Download CSV'),
        el('a', { href: `/export/${id}.json`, download: 'coding-summary.json', class: 'sg-button' }, 'Download JSON'),
        button('Reopen', () => this.hooks.reopen()),
        button([key('N'), 'Next note'], () => this.hooks.next(), { class: 'main' }))
    } else {
      put(bottom, button([key('Esc'), 'Back to the note'], () => this.hooks.back()),
        this.readOnly || this.blind ? null : button('Second review', () => this.hooks.second()),
        this.readOnly ? null : button([key('F'), 'Finish this note'], () => this.finish(), { class: 'main' }))
    }
    return [this.said, bottom]
  }

  async finish () {
    const overrides = []
    for (const { flag, field } of this.fields || []) {
      if (!field.value.trim()) { this.fail('Give a reason for each flag that stands, or go back and mend the codes.'); field.focus(); return }
      overrides.push({ rule_id: flag.rule_id, codes: flag.codes, reason: field.value.trim() })
    }
    await this.hooks.finish(overrides)
  }

  fail (message) {
    this.said.textContent = message
    this.said.hidden = false
  }
}
