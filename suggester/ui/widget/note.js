// The note: its text cut at the borders of evidence and marks, each piece one text node with its offset.
import { button, el, empty, into, put } from './dom.js'
import { MARKS } from './words.js'

const WEAK = 0.3 // evidence for nothing surer than this is drawn with a thin line only

export class NotePane {
  // hooks: pick(rowIds, span), selected(span | null, rect)
  constructor (hooks) {
    this.hooks = hooks
    this.nav = el('nav', { class: 'sg-sections', 'aria-label': 'Sections of the note' })
    this.text = el('div', { class: 'sg-text', tabindex: 0, role: 'document', 'aria-label': 'Note text' })
    this.scroll = el('div', { class: 'sg-scroll' }, this.text)
    this.legend = el('div', { class: 'sg-legend' })
    this.root = el('section', { class: 'sg-note', 'aria-label': 'Note' }, this.nav, this.scroll, this.legend)
    this.text.addEventListener('click', (event) => this.#click(event))
    this.text.addEventListener('mouseup', () => setTimeout(() => this.#selection(), 0))
    this.text.addEventListener('keyup', () => this.#selection())
    this.scroll.addEventListener('scroll', () => { this.#where(); this.hooks.selected(null) }, { passive: true })
    this.current = null
  }

  show (view) {
    this.view = view
    this.pieces = []
    this.byRow = new Map()
    this.confidence = new Map(view.rows.map((row) => [row.id, row.confidence ?? 1]))
    this.#sections(view.sections)
    this.#legend(view)
    this.#build(view)
    this.scroll.scrollTop = 0
    this.#where()
  }

  #sections (sections) {
    empty(this.nav)
    this.sections = sections.map((section) => {
      const link = button(section.title || 'Top', () => this.#go(section.span.start), { class: 'sg-section' })
      this.nav.append(link)
      return { start: section.span.start, link }
    })
    this.nav.hidden = !sections.length
  }

  #legend (view) {
    const kinds = [...new Set(view.marks.map((mark) => mark.kind))].filter((kind) => MARKS[kind])
    put(empty(this.legend), 
      el('span', {}, el('span', { class: 'sg-piece ev' }, 'evidence')),
      el('span', {}, el('span', { class: 'sg-piece ev accepted' }, 'accepted')),
      ...kinds.map((kind) => el('span', {}, el('span', { class: 'sg-piece mk ' + kind }, MARKS[kind]))),
      kinds.length ? el('span', {}, el('span', { class: 'sg-piece cue' }, 'word that says so')) : null
    )
  }

  #build (view) {
    const text = view.note.text
    const spans = []
    for (const row of view.rows) {
      for (const item of row.evidence) spans.push({ ...item.span, row: row.id })
    }
    for (const mark of view.marks) {
      spans.push({ ...mark.span, mark: mark.kind, cue: mark.cue })
      if (mark.cue_span) spans.push({ ...mark.cue_span, isCue: mark.kind })
    }
    for (const section of view.sections) {
      const size = section.title ? text.slice(section.span.start, section.span.end).indexOf(section.title) : -1
      if (size >= 0 && size < 4) spans.push({ start: section.span.start, end: section.span.start + size + section.title.length, head: true })
    }
    const edges = [...new Set([0, text.length, ...spans.flatMap((s) => [s.start, s.end])])]
      .filter((at) => at >= 0 && at <= text.length).sort((a, b) => a - b)
    spans.sort((a, b) => a.start - b.start)
    const out = document.createDocumentFragment()
    let open = [], next = 0
    for (let i = 0; i + 1 < edges.length; i++) {
      const [start, end] = [edges[i], edges[i + 1]]
      open = open.filter((s) => s.end > start)
      while (next < spans.length && spans[next].start <= start) open.push(spans[next++])
      out.append(this.#piece(text.slice(start, end), start, open.filter((s) => s.end > start)))
    }
    put(empty(this.text), out)
  }

  #piece (words, start, spans) {
    const rows = [...new Set(spans.filter((s) => s.row).map((s) => s.row))]
    const mark = spans.find((s) => s.mark)
    const cue = spans.find((s) => s.isCue)
    const head = spans.some((s) => s.head)
    const kinds = ['sg-piece']
    if (rows.length) kinds.push('ev')
    if (mark) kinds.push('mk', mark.mark)
    if (cue) kinds.push('cue')
    if (head) kinds.push('head')
    const node = el(rows.length ? 'mark' : 'span', { class: kinds.join(' '), 'data-start': start }, words)
    if (mark) node.title = MARKS[mark.mark] + (mark.cue ? ': “' + mark.cue + '”' : '')
    const piece = { node, start, end: start + words.length, rows }
    this.pieces.push(piece)
    for (const id of rows) {
      if (!this.byRow.has(id)) this.byRow.set(id, [])
      this.byRow.get(id).push(piece)
    }
    return node
  }

  // How rows stand: called with all rows after loading, with one after a decision.
  paint (rows, states) {
    for (const row of rows) {
      for (const piece of this.byRow.get(row.id) || []) {
        const all = piece.rows.map((id) => states(id))
        const sure = Math.max(...piece.rows.map((id) => this.confidence.get(id)))
        piece.node.classList.toggle('weak', sure < WEAK && all.every((s) => s === 'pending'))
        piece.node.classList.toggle('accepted', all.some((s) => s === 'accepted' || s === 'replaced'))
        piece.node.classList.toggle('rejected', all.every((s) => s === 'rejected'))
      }
    }
  }

  select (rowId, { scroll = true } = {}) {
    for (const piece of this.byRow.get(this.current) || []) piece.node.classList.remove('now')
    this.current = rowId
    const pieces = this.byRow.get(rowId) || []
    for (const piece of pieces) piece.node.classList.add('now')
    if (scroll && pieces.length) into(pieces[0].node, this.scroll)
  }

  showSpan (span) {
    const piece = this.pieces.find((p) => p.end > span.start && p.start <= span.start)
    if (!piece) return
    into(piece.node, this.scroll)
    for (const other of this.pieces) {
      const within = other.start < span.end && other.end > span.start
      other.node.classList.toggle('flash', within && other.rows.length + other.node.classList.length > 1)
    }
    clearTimeout(this.unflash)
    this.unflash = setTimeout(() => this.pieces.forEach((p) => p.node.classList.remove('flash')), 1600)
  }

  #click (event) {
    const node = event.target.closest('.sg-piece')
    if (!node || !window.getSelection().isCollapsed) return
    const piece = this.pieces.find((p) => p.node === node)
    if (piece) this.hooks.pick(piece.rows, { start: piece.start, end: piece.end })
  }

  #offset (node, at) {
    const holder = (node.nodeType === Node.TEXT_NODE ? node.parentElement : node.childNodes[at] || node)
    const piece = holder.closest?.('.sg-piece')
    if (!piece || !this.text.contains(piece)) return null
    return Number(piece.dataset.start) + (node.nodeType === Node.TEXT_NODE ? at : 0)
  }

  #selection () {
    const chosen = window.getSelection()
    if (!chosen.rangeCount || chosen.isCollapsed || !this.text.contains(chosen.anchorNode)) return this.hooks.selected(null)
    const range = chosen.getRangeAt(0)
    let start = this.#offset(range.startContainer, range.startOffset)
    let end = this.#offset(range.endContainer, range.endOffset)
    if (start === null || end === null || end <= start) return this.hooks.selected(null)
    // Offsets in the browser count UTF-16 units; spans count characters.
    const text = this.view.note.text
    while (start < end && /\s/.test(text[start])) start++
    while (end > start && /\s/.test(text[end - 1])) end--
    if (end > start) this.hooks.selected({ start, end }, range.getBoundingClientRect())
  }

  #go (offset) {
    const piece = this.pieces.find((p) => p.end > offset)
    if (piece) this.scroll.scrollTop = piece.node.offsetTop - this.text.offsetTop
  }

  step (by) {
    const top = this.scroll.scrollTop
    const places = this.sections.map((s) => {
      const piece = this.pieces.find((p) => p.end > s.start)
      return { ...s, top: piece ? piece.node.offsetTop - this.text.offsetTop : 0 }
    })
    const wanted = by > 0 ? places.find((p) => p.top > top + 4) : places.filter((p) => p.top < top - 4).pop()
    if (wanted) this.#go(wanted.start)
  }

  #where () {
    if (!this.sections?.length) return
    const top = this.scroll.scrollTop + 24 + this.text.offsetTop
    const here = this.pieces.findLast((p) => p.node.offsetTop <= top)
    const offset = here ? here.start : 0
    const now = this.sections.findLast((s) => s.start <= offset)
    if (now === this.here) return
    this.here?.link.removeAttribute('aria-current')
    now?.link.setAttribute('aria-current', 'true')
    this.here = now
    if (now) {
      const a = now.link.offsetLeft, b = this.nav
      if (a < b.scrollLeft || a + now.link.offsetWidth > b.scrollLeft + b.clientWidth) b.scrollLeft = a - 12
    }
  }
}
