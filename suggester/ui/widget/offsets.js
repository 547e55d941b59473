// The server counts characters, the browser UTF-16 units: they differ after a character such as an emoji.

export class Offsets {
  constructor (text) {
    this.same = !/[\ud800-\udfff]/.test(text)
    if (this.same) return
    this.units = []
    let at = 0
    for (const char of text) { this.units.push(at); at += char.length }
    this.units.push(at)
    this.points = new Map(this.units.map((unit, point) => [unit, point]))
  }

  inBrowser (span) {
    if (this.same || !span) return span
    return { start: this.units[span.start], end: this.units[span.end] }
  }

  onServer (span) {
    if (this.same || !span) return span
    const point = (unit) => this.points.get(unit) ?? this.points.get(unit - 1)
    return { start: point(span.start), end: point(span.end) }
  }

  // All spans of a note view, changed in place.
  view (view) {
    if (this.same) return view
    for (const row of view.rows) for (const item of row.evidence) item.span = this.inBrowser(item.span)
    for (const mark of view.marks) {
      mark.span = this.inBrowser(mark.span)
      mark.cue_span = this.inBrowser(mark.cue_span)
    }
    for (const item of [...view.sections, ...view.not_coded]) item.span = this.inBrowser(item.span)
    if (view.em) this.#worksheet(view.em)
    return view
  }

  // The worksheet's evidence has its offsets beside its words, at any depth.
  #worksheet (part) {
    if (typeof part.start === 'number') Object.assign(part, this.inBrowser({ start: part.start, end: part.end }))
    for (const inner of Object.values(part)) if (inner && typeof inner === 'object') this.#worksheet(inner)
  }
}
