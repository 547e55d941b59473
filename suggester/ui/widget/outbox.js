// Decisions on their way. One leaves the list only when the server says that it is durable, or refuses it.
// The list survives a reload of the tab; a decision sent twice counts once, by its uuid.
import { isSignedOut, isTransient } from './api.js'

const FIRST_WAIT = 200
const LONGEST_WAIT = 3000
const MOST_AT_ONCE = 100

export class Outbox {
  // hooks: acked(op, ack), refused(op, ack), changed(state) with state 'saved' | 'saving' | 'waiting' | 'signed-out' | 'failed'
  constructor (api, user, hooks) {
    this.api = api
    this.hooks = hooks
    this.place = 'suggester.outbox.' + user
    this.client = sessionStorage.getItem('suggester.tab') || crypto.randomUUID()
    sessionStorage.setItem('suggester.tab', this.client)
    this.items = this.#restore()
    this.busy = false
    this.wait = FIRST_WAIT
    this.timer = null
    this.state = 'saved'
    this.error = null
    this.online = () => { this.wait = FIRST_WAIT; this.flush() }
    window.addEventListener('online', this.online)
  }

  #restore () {
    try { return JSON.parse(sessionStorage.getItem(this.place) || '[]') } catch { return [] }
  }

  #keep () {
    if (this.items.length) sessionStorage.setItem(this.place, JSON.stringify(this.items))
    else sessionStorage.removeItem(this.place)
  }

  #say (state) {
    this.state = state
    this.hooks.changed(state)
  }

  push (op) {
    this.items.push(op)
    this.#keep()
    if (this.state === 'saved') this.#say('saving')
    else this.hooks.changed(this.state)
    this.flush()
  }

  async flush () {
    if (this.busy || !this.items.length) return
    this.busy = true
    clearTimeout(this.timer)
    const track = this.items[0].track
    const batch = []
    for (const item of this.items) {
      if (item.track !== track || batch.length === MOST_AT_ONCE) break
      batch.push(item)
    }
    let again = true
    try {
      const decisions = batch.map(({ track: _, ...rest }) => rest)
      const { acks } = await this.api.post('/api/decisions', { decisions, client: this.client, track })
      this.#settle(batch, acks)
      this.wait = FIRST_WAIT
    } catch (error) {
      if (isSignedOut(error)) {
        again = false
        this.error = error
        this.#say('signed-out')
      } else if (isTransient(error)) {
        again = false
        this.#say('waiting')
        this.timer = setTimeout(() => this.flush(), this.wait)
        this.wait = Math.min(this.wait * 2, LONGEST_WAIT)
      } else { // the server understood and refuses the whole batch: it will not help to send it again
        this.#settle(batch, batch.map((op) => ({ uuid: op.uuid, status: 'refused', message: error.message, code: error.body?.error })))
      }
    } finally { this.busy = false }
    if (again) {
      if (this.items.length) this.flush()
      else this.#say('saved')
    }
  }

  #settle (batch, acks) {
    const byUuid = new Map(acks.map((ack) => [ack.uuid, ack]))
    const done = batch.filter((op) => byUuid.has(op.uuid))
    this.items = this.items.filter((op) => !byUuid.has(op.uuid))
    this.#keep()
    for (const op of done) {
      const ack = byUuid.get(op.uuid)
      if (ack.status === 'durable') this.hooks.acked(op, ack)
      else this.hooks.refused(op, ack)
    }
  }

  async drained (milliseconds = 8000) {
    const until = performance.now() + milliseconds
    while (this.items.length) {
      if (this.state === 'signed-out' || performance.now() > until) return false
      await new Promise((resolve) => setTimeout(resolve, 15))
    }
    return true
  }

  stop () {
    clearTimeout(this.timer)
    window.removeEventListener('online', this.online)
  }
}
