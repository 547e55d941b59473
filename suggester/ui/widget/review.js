// The review widget: one note, its suggestions, the keys. State lives here; the server has the last word.
import { Api, ApiError, isSignedOut } from './api.js'
import { codeSearch } from './codesearch.js'
import { acceptAll, askPhysician, askReason, help } from './dialogs.js'
import { button, el, empty, key, plural, put } from './dom.js'
import { worksheet } from './em.js'
import { onKey } from './keys.js'
import { NotePane } from './note.js'
import { Offsets } from './offsets.js'
import { Outbox } from './outbox.js'
import { flagSign, RowList, standing } from './rows.js'
import { SummaryPane } from './summary.js'
import { tour } from './tour.js'
import { MARKS, STATES } from './words.js'

const HEARTBEAT = 60_000
const STATE_AFTER = { accept: 'accepted', reject: 'rejected', replace: 'replaced' }
let running = null

// Streamlit may put the component into a new place at any time: the widget moves along and keeps its state.
export function mount (parent, boot) {
  if (running) {
    if (running.root.parentElement !== parent) parent.append(running.root)
    running.resume(boot)
  } else running = new Review(parent, boot)
  return () => running?.pause()
}

class Review {
  constructor (parent, boot) {
    this.boot = boot
    this.api = new Api(boot.csrf)
    this.view = null
    this.screen = 'review'
    this.done = []
    this.skipped = []
    this.#build(parent)
    this.outbox = new Outbox(this.api, boot.user, {
      acked: (op, ack) => this.#acked(op, ack),
      refused: (op, ack) => this.#refused(op, ack),
      changed: (state) => this.#synced(state)
    })
    this.onKey = (event) => onKey(this, event)
    document.addEventListener('keydown', this.onKey, true)
    this.onLeave = (event) => { if (this.outbox.items.length) event.preventDefault() }
    window.addEventListener('beforeunload', this.onLeave)
    this.beat = setInterval(() => this.#heartbeat(), HEARTBEAT)
    this.asked = boot.note
    window.suggesterReview = { outbox: this.outbox, review: this } // what the browser tests look at
    this.#begin(boot.note)
  }

  resume (boot) {
    clearTimeout(this.stopping)
    this.boot = boot
    this.api.csrf = boot.csrf
    if (boot.note && boot.note !== this.asked && boot.note !== this.view?.id) this.open(boot.note)
    this.asked = boot.note
    this.outbox.online()
  }

  // Streamlit unmounts and mounts anew on some reruns: end only if nothing mounts again.
  pause () { this.stopping = setTimeout(() => this.stop(), 400) }

  stop () {
    clearInterval(this.beat)
    document.removeEventListener('keydown', this.onKey, true)
    window.removeEventListener('beforeunload', this.onLeave)
    this.outbox.stop()
    this.root.remove()
    if (running === this) running = null
  }

  #build (parent) {
    this.note = new NotePane({ pick: (ids, span) => this.#picked(ids, span), selected: (span, rect) => this.#selected(span, rect) })
    this.rows = new RowList({
      select: (id) => this.select(id),
      decide: (action, id) => { this.select(id, { scroll: false }); this.decide(action) },
      reason: (id, text) => { this.rows.choose(null); this.select(id, { scroll: false }); this.decide('reject', { reason: text }) },
      replace: (id) => { this.select(id); this.search('replace') },
      query: (id) => { this.select(id); this.query() },
      undo: (id) => this.undo(id),
      showSpan: (span) => this.note.showSpan(span),
      ladder: async (row) => (await this.api.post(`/api/notes/${encodeURIComponent(this.view.id)}/ladder`, { row_id: row.id })).ladder,
      addCode: (system, code, id) => { this.select(id); this.decide('replace', { system, code }) }
    })
    this.summary = new SummaryPane({
      order: (rowId, position) => this.push({ action: 'order', row_id: rowId, position }),
      back: () => this.showScreen('review'),
      finish: (overrides) => this.finish(overrides),
      next: () => this.next(),
      second: () => this.secondReview(),
      reopen: () => this.reopen()
    })
    this.title = el('div', { class: 'sg-what' })
    this.sync = el('span', { class: 'sg-sync', role: 'status' })
    this.count = el('span', { class: 'sg-progress' })
    this.tools = el('div', { class: 'sg-tools', role: 'toolbar', 'aria-label': 'Note' },
      button([key('/'), 'Search'], () => this.search('add'), { class: 'sg-find' }),
      button([key('B'), 'Accept above…'], () => this.bulk()),
      button([key('?'), 'Keys'], () => this.help()),
      button([key('F'), 'Finish'], () => this.toSummary(), { class: 'sg-finish' }),
      button([key('N'), 'Next note'], () => this.next(), { class: 'main' }))
    this.banner = el('div', { class: 'sg-banner', role: 'alert', hidden: true })
    this.flags = el('div', { class: 'sg-noteflags' })
    this.ledger = el('details', { class: 'sg-ledger' })
    this.extra = el('div', { class: 'sg-extra' })
    this.list = el('section', { class: 'sg-list', 'aria-label': 'Suggestions', tabindex: 0 }, this.flags, this.rows.list, this.extra, this.ledger)
    this.pop = el('div', { class: 'sg-pop', hidden: true })
    this.said = el('div', { class: 'sg-hidden', 'aria-live': 'polite', role: 'status' })
    this.main = el('div', { class: 'sg-main' }, this.note.root, this.list)
    this.empty = el('div', { class: 'sg-empty', hidden: true })
    this.root = el('div', { class: 'sg-review' },
      el('div', { class: 'sg-top' }, this.title, this.count, this.sync, this.tools),
      this.banner, this.main, this.summary.root, this.empty, this.pop, this.said)
    parent.append(this.root)
  }

  // --- opening a note ---

  async #begin (id) {
    if (this.outbox.items.length) { // left from before a reload
      this.outbox.flush()
      await this.outbox.drained(2000)
    }
    if (id) await this.open(id)
    else await this.next({ leave: false })
    if (this.boot.tour && this.view) tour(this.root)
  }

  async open (id) {
    const path = '/api/notes/' + encodeURIComponent(id)
    try {
      const { view } = await this.api.post(path + '/take', { track: this.boot.track })
      this.#show(view)
      this.tell(null)
    } catch (error) {
      if (this.#signedOut(error)) return
      if (error instanceof ApiError && [409, 422, 403].includes(error.status)) {
        try {
          const { view } = await this.api.post(path + '/view', { track: this.boot.track })
          this.#show(view)
          if (view.status === 'finished') return this.toSummary()
          this.tell((error.body.held_by ? error.body.held_by + ' is working on this note. ' : error.message + ' ') + 'You can read it, not change it.')
        } catch (second) { if (!this.#signedOut(second)) this.#nothing('This note cannot be shown', second.message) }
      } else this.#nothing('This note cannot be shown', error.message)
    }
  }

  async next ({ leave = true } = {}) {
    if (this.moving) return
    this.moving = true
    const started = performance.now()
    try {
      if (!(await this.outbox.drained())) { this.announce('Wait: decisions are still being sent.'); return }
      if (this.view && this.view.track !== 'primary') { await this.#backToAudit(); return }
      const id = leave && this.view?.lease ? this.view.id : null
      // a note that is only read is passed over too: it may have become free in the meantime
      const here = leave && this.view && this.view.status !== 'finished' ? this.view.id : null
      if (here) this.skipped = [...this.skipped.filter((x) => x !== here), here].slice(-50)
      const { view, progress, again } = await this.api.post('/api/next', { leave: id, skip: this.skipped })
      if (again) this.skipped = here ? [here] : []
      this.progress = progress
      this.boot.track = 'primary'
      if (!view) { this.skipped = []; this.#nothing('No note is waiting', 'All notes are finished or with someone else. Look at the worklist, or ask for an import.'); return }
      this.#show(view)
      this.tell(null)
      this.root.dataset.next = String(Math.round(performance.now() - started))
    } catch (error) {
      if (this.#signedOut(error)) return
      if (error instanceof ApiError && error.status === 403 && !this.view) {
        this.#nothing('Notes are opened from the worklist', 'Your role reads notes but does not take them to code.')
      } else this.announce(error.message, true)
    } finally { this.moving = false }
  }

  async #backToAudit () {
    if (this.view.lease) await this.api.post(`/api/notes/${encodeURIComponent(this.view.id)}/release`, { track: this.view.track })
    location.assign('/audit')
  }

  #show (view) {
    this.offsets = new Offsets(view.note.text)
    this.offsets.view(view)
    this.view = view
    this.readOnly = !view.lease
    this.rows.readOnly = this.readOnly
    this.finished = null
    this.done = []
    this.bump = 0
    this.#overlay()
    this.empty.hidden = true
    const address = '/review?note=' + encodeURIComponent(view.id) + (view.track === 'primary' ? '' : '&track=' + encodeURIComponent(view.track))
    if (location.pathname + location.search !== address) history.replaceState(history.state, '', address)
    this.#titles(view)
    this.note.show(view)
    this.rows.current = null
    this.rows.choosing = null
    this.rows.show(view)
    this.note.paint(view.rows, (id) => this.row(id).state)
    this.#around(view)
    this.showScreen('review')
    this.list.scrollTop = 0
    const first = view.rows.find((row) => row.state === 'pending') || view.rows[0]
    if (first) this.select(first.id, { scroll: first !== view.rows[0] })
    this.#counts()
    this.#synced(this.outbox.state)
    this.root.dataset.note = view.id
  }

  // Decisions that are still on their way hold for the eye already.
  #overlay () {
    for (const op of this.outbox.items) {
      const row = op.note_id === this.view.id && this.row(op.row_id)
      if (row && STATE_AFTER[op.action]) {
        row.state = STATE_AFTER[op.action]
        row.reason = op.reason ?? row.reason
        row.sync = op.uuid
      }
    }
  }

  async reload () {
    const current = this.rows.current
    const path = `/api/notes/${encodeURIComponent(this.view.id)}/${this.view.lease ? 'take' : 'view'}`
    const { view } = await this.api.post(path, { track: this.view.track })
    if (view.id !== this.view.id) return
    const scroll = [this.note.scroll.scrollTop, this.list.scrollTop]
    const screen = this.screen
    this.offsets.view(view)
    this.view = view
    this.#overlay()
    this.note.show(view)
    this.rows.show(view)
    this.note.paint(view.rows, (id) => this.row(id).state)
    this.#around(view)
    this.select(this.row(current) ? current : view.rows[0]?.id, { scroll: false })
    this.note.scroll.scrollTop = scroll[0]
    this.list.scrollTop = scroll[1]
    this.#counts()
    if (screen === 'summary') this.showScreen('summary')
  }

  #titles (view) {
    const note = view.note
    const age = note.patient?.birth_date && note.service_date
      ? Math.floor((new Date(note.service_date) - new Date(note.patient.birth_date)) / 31_557_600_000) : null
    const who = [note.patient?.sex, age === null ? null : age + ' y'].filter(Boolean).join(', ')
    const facts = [note.kind, note.setting, note.service_date, who, view.track === 'primary' ? null : 'blind second coding'].filter(Boolean)
    put(empty(this.title), el('h1', {}, note.id), el('p', {}, facts.join(' · ') || 'no service date: newest code sets'))
    document.title = 'Review · Suggester'
  }

  #around (view) {
    this.flagged = null
    this.#noteFlags()
    empty(this.extra)
    if (view.em) put(this.extra, worksheet(view.em, (span) => this.note.showSpan(span)))
    if (view.queries.length) {
      put(this.extra, el('details', { class: 'sg-queries', open: true }, el('summary', {}, `Questions to the physician (${view.queries.length})`),
        ...view.queries.map((query) => el('div', { class: 'sg-query' }, el('strong', {}, query.status), el('pre', {}, query.text),
          query.answer ? el('p', {}, 'Answer: ' + query.answer) : null))))
    }
    const items = view.not_coded
    put(empty(this.ledger), el('summary', {}, `Read but not coded (${items.length})`),
      items.length ? null : el('p', { class: 'sg-soft' }, 'Everything that was read is suggested.'),
      el('ul', {}, ...items.map((item) => el('li', { 'data-start': item.span.start },
        button('“' + item.quote.replace(/\s+/g, ' ') + '”', () => this.note.showSpan(item.span), { class: 'sg-quote' }),
        el('span', { class: 'sg-why' }, (MARKS[item.reason] || item.reason) + (item.cue ? ' (“' + item.cue + '”)' : '')),
        ...item.would_be.slice(0, 3).map((code) => button(['Add ', code], () => this.addWouldBe(code, item.span), { class: 'sg-would', disabled: this.readOnly }))))))
  }

  // The flags of the note that stand as its codes are decided now; drawn anew where they changed.
  #noteFlags () {
    const flags = standing(this.view.flags, this.view.rows)
    const said = flags.map((flag) => flag.rule_id + ' ' + flag.codes).join('; ')
    if (said === this.flagged) return
    this.flagged = said
    const notices = flags.map((flag) => el('p', { class: 'sg-notice ' + flag.severity }, flagSign(flag), ' ', flag.message))
    put(empty(this.flags), ...(notices.length < 2 ? notices : [el('details', {}, el('summary', {}, flagSummary(flags)), ...notices)]))
    if (!this.view.rows.length) {
      put(this.flags, el('div', { class: 'sg-notice' }, 'Nothing was found to code in this note. Select words and press / to add a code, or finish without codes if that is right.'))
    }
  }

  // --- the row at hand ---

  row (id) { return this.view?.rows.find((row) => row.id === id) }

  select (id, { scroll = true } = {}) {
    if (!id) return
    this.rows.select(id, { scroll })
    this.note.select(id, { scroll })
  }

  move (by) {
    const rows = this.view.rows
    const at = rows.findIndex((row) => row.id === this.rows.current)
    const to = Math.max(0, Math.min(rows.length - 1, at + by))
    if (rows[to]) this.select(rows[to].id)
  }

  #forward () {
    const rows = this.view.rows
    const at = rows.findIndex((row) => row.id === this.rows.current)
    const next = rows.slice(at + 1).find((row) => row.state === 'pending') || rows.find((row) => row.state === 'pending')
    if (next) this.select(next.id)
    else {
      this.rows.paint(this.row(this.rows.current))
      this.announce('All suggestions are decided. F for the summary.')
    }
  }

  #picked (ids, span) {
    if (ids.length) {
      const at = ids.indexOf(this.rows.current)
      this.select(ids[(at + 1) % ids.length])
      return
    }
    const item = [...this.ledger.querySelectorAll('li')].find((li) => Number(li.dataset.start) >= span.start && Number(li.dataset.start) < span.end)
    if (item) {
      this.ledger.open = true
      item.scrollIntoView({ block: 'center' })
      item.classList.add('flash')
      setTimeout(() => item.classList.remove('flash'), 1600)
    }
  }

  #selected (span, rect) {
    this.chosen = this.readOnly ? null : span
    this.pop.hidden = !this.chosen
    if (!this.chosen) return
    const box = this.root.getBoundingClientRect()
    put(empty(this.pop), button([key('/'), 'Add a code to these words'], () => this.search('add')))
    this.pop.style.left = Math.max(8, Math.min(rect.left - box.left, box.width - 240)) + 'px'
    this.pop.style.top = Math.max(60, rect.top - box.top - 42) + 'px'
  }

  // --- decisions ---

  push (fields) {
    const op = { uuid: crypto.randomUUID(), note_id: this.view.id, track: this.view.track, ...fields }
    op.seen = this.view.version + this.bump++
    this.outbox.push(op)
    return op
  }

  decide (action, extra = {}) {
    const row = this.row(this.rows.current)
    if (!row || this.barred()) return
    const state = STATE_AFTER[action]
    if (row.state === state && action === 'accept') { this.#forward(); return }
    const before = { state: row.state, reason: row.reason, replacement: row.replacement }
    row.state = state
    row.reason = extra.reason ?? null
    row.replacement = action === 'replace' ? { system: extra.system, code: extra.code, display: extra.display || '' } : null
    const op = this.push({ action, row_id: row.id, system: extra.system, code: extra.code, reason: extra.reason })
    row.sync = op.uuid
    this.done.push({ uuid: op.uuid, id: row.id, before })
    this.note.paint([row], (id) => this.row(id).state)
    this.#counts()
    this.announce(`${row.code} ${STATES[state]}`)
    this.#forward()
  }

  add (hit, span) {
    if (this.barred()) return
    const op = this.push({ action: 'add', system: hit.system, code: hit.code, span: this.offsets.onServer(span) })
    const id = this.view.id + '.a' + op.uuid
    const quote = span ? this.view.note.text.slice(span.start, span.end) : ''
    const row = {
      id, system: hit.system, code: hit.code, display: hit.display, confidence: null, rank: 999, added: true, state: 'accepted', sync: op.uuid,
      replacement: null, reason: null, reasons: [], flags: [], modifiers: [], units: null, evidence: span ? [{ span, quote, section: 'added', assertion: {} }] : []
    }
    this.done.push({ uuid: op.uuid, id, before: null })
    this.view.rows.push(row)
    this.rows.list.append(...this.#freshLine(row))
    window.getSelection().removeAllRanges()
    if (span) this.#redrawNote()
    this.select(id)
    this.#counts()
    this.announce(`${row.code} added`)
  }

  #freshLine (row) {
    const line = el('li', { class: 'sg-row', 'data-row': row.id })
    this.rows.nodes.set(row.id, line)
    this.rows.paint(row)
    return [line]
  }

  #redrawNote () {
    const top = this.note.scroll.scrollTop
    this.note.show(this.view)
    this.note.paint(this.view.rows, (id) => this.row(id).state)
    this.note.scroll.scrollTop = top
  }

  async addWouldBe (code, span) {
    try {
      const { hits } = await this.api.post('/api/codes/search', { query: code, note_id: this.view.id })
      const hit = hits.find((h) => h.code === code && h.billable)
      if (hit) this.add(hit, span)
      else this.search('add', code)
    } catch (error) { this.announce(error.message, true) }
  }

  undo (id = null) {
    if (this.barred()) return
    const last = id ? this.done.findLast((d) => d.id === id) : this.done.at(-1)
    if (!last) {
      if (this.view.can_undo) { this.push({ action: 'undo' }); this.outbox.drained().then(() => this.reload()) } else this.announce('Nothing to undo.')
      return
    }
    this.done = this.done.filter((d) => d !== last)
    const op = this.push({ action: 'undo', target: last.uuid })
    const row = this.row(last.id)
    if (last.before) {
      Object.assign(row, last.before, { sync: op.uuid })
      this.note.paint([row], (each) => this.row(each).state)
      this.rows.paint(row)
      this.select(row.id)
    } else {
      this.view.rows = this.view.rows.filter((r) => r.id !== last.id)
      this.rows.view = this.view
      this.rows.nodes.get(last.id)?.remove()
      this.rows.nodes.delete(last.id)
      this.#redrawNote()
      if (this.view.rows.length) this.select(this.view.rows.at(-1).id)
    }
    this.#counts()
    this.announce((row?.code || 'Decision') + ' undone')
  }

  #acked (op, ack) {
    if (op.note_id !== this.view?.id) return
    for (const row of this.view.rows) {
      if (row.sync === op.uuid) {
        row.sync = null
        if (this.rows.choosing !== row.id) this.rows.paint(row)
      }
    }
    this.#counts()
  }

  #refused (op, ack) {
    this.announce('Not kept: ' + (ack.message || 'the server refused it') + '.', true)
    if (op.note_id === this.view?.id) {
      this.done = this.done.filter((d) => d.uuid !== op.uuid)
      clearTimeout(this.reloading)
      this.reloading = setTimeout(() => this.outbox.drained().then(() => this.reload()).then(() => { this.bump = 0 }).catch(() => {}), 50)
    }
  }

  barred () {
    if (!this.view) return true
    if (!this.readOnly && this.view.status !== 'finished') return false
    this.announce(this.view.status === 'finished' ? 'This note is finished. Reopen it to change codes.' : 'You can read this note, not change it.', true)
    return true
  }

  // --- dialogs and the summary ---

  search (purpose, query = null) {
    if (!this.view || (purpose === 'replace' && this.barred())) return
    const row = this.row(this.rows.current)
    const span = this.chosen
    this.pop.hidden = true
    const words = span ? this.view.note.text.slice(span.start, span.end).replace(/\s+/g, ' ').slice(0, 120) : ''
    const replacing = purpose === 'replace' && row
    codeSearch(this.root, this.api, {
      note: this.view.id,
      query: query ?? (replacing ? row.code.split('.')[0] : words),
      purpose: replacing ? `Replace ${row.code}` : span ? 'Add a code to the selected words' : 'Search and add a code',
      pick: (hit) => {
        if (replacing) this.decide('replace', { system: hit.system, code: hit.code, display: hit.display })
        else this.add(hit, span)
      }
    })
  }

  bulk () {
    if (this.barred()) return
    const path = '/api/notes/' + encodeURIComponent(this.view.id)
    acceptAll(this.root, {
      preview: async (threshold) => {
        await this.outbox.drained()
        return (await this.api.post(path + '/bulk', { threshold })).preview
      },
      accept: async (threshold, rows) => {
        const { acks, preview } = await this.api.post(path + '/bulk-accept', { threshold, rows, client: this.outbox.client })
        if (!acks) return preview
        await this.reload()
        this.bump = 0
        this.announce(plural(acks.filter((a) => a.status === 'durable').length, 'code') + ' accepted')
        return null
      }
    })
  }

  query () {
    if (this.barred()) return
    const row = this.row(this.rows.current)
    const path = '/api/notes/' + encodeURIComponent(this.view.id)
    askPhysician(this.root, {
      row,
      first: 'specificity',
      draft: async (kind) => (await this.api.post(path + '/query-draft', { kind, row_id: row?.id, span: this.offsets.onServer(this.chosen) })).draft,
      send: async (kind, text) => {
        await this.api.post(path + '/query', { kind, text, row_id: row?.id })
        await this.reload()
        this.announce('Question kept')
      }
    })
  }

  help () { help(this.root, { tour: () => tour(this.root) }) }

  showScreen (name) {
    this.screen = name
    this.main.hidden = name !== 'review'
    this.summary.root.hidden = name !== 'summary'
    this.pop.hidden = true
    if (name === 'summary') this.summary.root.focus?.()
  }

  async toSummary () {
    if (!this.view) return
    if (!(await this.outbox.drained())) { this.announce('Wait: decisions are still being sent.', true); return }
    try {
      const { summary } = await this.api.post(`/api/notes/${encodeURIComponent(this.view.id)}/summary`, { track: this.view.track })
      this.summary.show(summary, { readOnly: this.readOnly, blind: this.view.track !== 'primary' })
      this.showScreen('summary')
    } catch (error) { if (!this.#signedOut(error)) this.announce(error.message, true) }
  }

  async finish (overrides) {
    if (!(await this.outbox.drained())) { this.summary.fail('Wait: decisions are still being sent.'); return }
    try {
      const { finished, progress } = await this.api.post(`/api/notes/${encodeURIComponent(this.view.id)}/finish`, { overrides, track: this.view.track })
      this.progress = progress
      this.view.status = 'finished'
      this.view.lease = null
      this.readOnly = this.rows.readOnly = true
      this.summary.show(finished.summary, { readOnly: true, finished, blind: this.view.track !== 'primary' })
      this.#counts()
      this.announce('Note finished')
    } catch (error) {
      if (!this.#signedOut(error)) this.summary.fail(error.message)
    }
  }

  reopen () {
    askReason(this.root, 'Reopen the note', 'Why', async (reason) => {
      const { view } = await this.api.post(`/api/notes/${encodeURIComponent(this.view.id)}/reopen`, { reason })
      this.#show(view)
    })
  }

  secondReview () {
    askReason(this.root, 'Second review', 'What should the auditor look at', async (reason) => {
      await this.outbox.drained()
      await this.api.post(`/api/notes/${encodeURIComponent(this.view.id)}/second-review`, { reason })
      this.view.lease = null
      setTimeout(() => this.next({ leave: false }), 0)
    })
  }

  // --- telling ---

  announce (text, loud = false) {
    this.said.textContent = text
    if (!loud) return
    this.sync.textContent = text
    this.sync.className = 'sg-sync bad'
    clearTimeout(this.quiet)
    this.quiet = setTimeout(() => this.#synced(this.outbox.state), 5000)
  }

  tell (text, ...more) {
    this.banner.hidden = !text
    put(empty(this.banner), ...(text ? [text, ...more] : []))
  }

  #counts () {
    if (!this.view) return
    const rows = this.view.rows.filter((row) => !row.added)
    const decided = rows.filter((row) => row.state !== 'pending').length
    const today = this.progress ? el('span', { class: 'sg-today' }, ` · ${this.progress.finished_today} finished today`) : null
    put(empty(this.count), `${decided} of ${rows.length} decided`, today)
    this.rows.reflag()
    this.#noteFlags()
  }

  #synced (state) {
    const waiting = this.outbox?.items.length || 0
    const text = { saved: 'All saved', saving: `Saving ${waiting}…`, waiting: `No connection: ${waiting} not yet saved, trying again`, 'signed-out': `${waiting} not saved` }[state]
    this.sync.textContent = text
    this.sync.className = 'sg-sync ' + (state === 'saved' ? 'good' : state === 'saving' ? '' : 'bad')
    if (state === 'signed-out') this.#signedOut(this.outbox.error)
  }

  #signedOut (error) {
    if (!isSignedOut(error)) return false
    const why = error?.body?.reason
    const waiting = this.outbox?.items.length || 0
    const kept = waiting ? ` ${plural(waiting, 'decision')} in this tab will be sent when the same person signs in again.` : ''
    const go = () => location.assign('/sign-in?next=' + encodeURIComponent(location.pathname + location.search) + (why ? '&why=' + why : ''))
    this.tell((why === 'disabled' ? 'This account is disabled.' : 'You are signed out.') + kept + ' ', button('Sign in again', go, { class: 'main' }))
    this.readOnly = this.rows.readOnly = true
    this.root.dataset.signedOut = '1'
    return true
  }

  #nothing (title, text) {
    this.view = null
    this.main.hidden = this.summary.root.hidden = true
    this.empty.hidden = false
    put(empty(this.title), el('h1', {}, 'Review'))
    this.count.textContent = ''
    put(empty(this.empty), el('h2', {}, title), el('p', {}, text), el('a', { href: '/', class: 'sg-button', target: '_self' }, 'To the worklist'))
    delete this.root.dataset.note
  }

  async #heartbeat () {
    if (!this.view?.lease) return
    try {
      await this.api.post(`/api/notes/${encodeURIComponent(this.view.id)}/heartbeat`, { track: this.view.track })
    } catch (error) {
      if (this.#signedOut(error)) return
      if (error instanceof ApiError && error.status === 409) {
        this.readOnly = this.rows.readOnly = true
        this.tell((error.body.held_by || 'Somebody else') + ' has taken this note. What you decided before is kept. ', button('Next note', () => this.next(), { class: 'main' }))
      }
    }
  }
}

function flagSummary (flags) {
  const count = (severity) => flags.filter((flag) => flag.severity === severity).length
  const [errors, warnings, others] = [count('error'), count('warning'), count('info')]
  const parts = [errors && plural(errors, 'conflict'), warnings && plural(warnings, 'warning'), others && plural(others, 'remark')]
  return (errors ? '▲ ' : '△ ') + parts.filter(Boolean).join(', ') + ' between the suggestions'
}
