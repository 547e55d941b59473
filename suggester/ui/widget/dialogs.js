// Dialogs: help, accept all above a confidence, a question to the physician, a short question for a reason.
import { button, el, empty, key, plural, put } from './dom.js'
import { KEYS, QUERY_KINDS } from './words.js'

export function dialog (host, title, { wide = false } = {}) {
  const close = button('Close', () => box.close(), { class: 'sg-close', 'aria-label': 'Close' })
  const body = el('div', { class: 'sg-body' })
  const box = el('dialog', { class: 'sg-dialog' + (wide ? ' wide' : ''), 'aria-label': title },
    el('header', {}, el('h2', {}, title), close), body)
  // Keys inside a dialog are its own: they do not reach the page behind it.
  box.addEventListener('keydown', (event) => event.stopPropagation())
  box.addEventListener('click', (event) => { if (event.target === box) box.close() })
  box.addEventListener('close', () => box.remove())
  host.append(box)
  box.showModal()
  return { box, body }
}

export function help (host, { tour }) {
  const { box, body } = dialog(host, 'Keys')
  put(body, 
    el('dl', { class: 'sg-keys' }, ...KEYS.map(([keys, text]) =>
      el('div', {}, el('dt', {}, ...keys.split('  ').map(key)), el('dd', {}, text)))),
    el('p', { class: 'sg-soft' }, 'Keys do nothing while you type in a field. A decision is yours at once and is marked “saving” ' +
      'until the server has it on disk; it is sent again by itself after a lost connection.'),
    el('div', { class: 'sg-bottom' }, button('Take the five-minute tour', () => { box.close(); tour() }, { class: 'main' })))
}

export function acceptAll (host, { preview, accept }) {
  const { box, body } = dialog(host, 'Accept all above a confidence')
  const slider = el('input', { type: 'range', min: 50, max: 99, value: 90, step: 1, id: 'sg-threshold', 'aria-describedby': 'sg-expected' })
  const shown = el('output', { for: 'sg-threshold' }, '90%')
  const expected = el('p', { class: 'sg-expected', id: 'sg-expected', 'aria-live': 'polite' }, '…')
  const go = button('Accept', () => confirm(), { class: 'main', disabled: true })
  let now = null, timer = null
  const load = async () => {
    const threshold = Number(slider.value) / 100
    now = await preview(threshold)
    const wrong = now.expected_wrong
    go.disabled = !now.rows.length
    go.textContent = now.rows.length ? 'Accept ' + plural(now.rows.length, 'code') : 'Nothing to accept'
    put(empty(expected), now.rows.length
      ? el('span', {}, el('strong', {}, plural(now.rows.length, 'code')), ' not yet decided. Expected to be wrong: ',
        el('strong', {}, wrong.toFixed(1)), wrong >= 0.05 ? ` (about 1 in ${Math.max(1, Math.round(now.rows.length / wrong))}).` : '.')
      : 'No undecided code is that sure.')
  }
  const confirm = async () => {
    go.disabled = true
    const again = await accept(Number(slider.value) / 100, now.rows)
    if (again) { await load(); return }
    box.close()
  }
  slider.addEventListener('input', () => {
    shown.textContent = slider.value + '%'
    clearTimeout(timer)
    timer = setTimeout(load, 80)
  })
  put(body, 
    el('label', { for: 'sg-threshold' }, 'Accept undecided codes at or above ', shown), slider, expected,
    el('p', { class: 'sg-soft' }, 'You answer for each of them as if you had accepted it by hand. Each can be undone.'),
    el('div', { class: 'sg-bottom' }, button('Cancel', () => box.close()), go))
  slider.focus()
  load()
}

export function askPhysician (host, { row, draft, send, first }) {
  const { box, body } = dialog(host, 'Question to the physician', { wide: true })
  const kind = el('select', { id: 'sg-kind' }, ...Object.entries(QUERY_KINDS).map(([value, text]) => el('option', { value }, text)))
  const text = el('textarea', { id: 'sg-query', rows: 14, 'aria-describedby': 'sg-query-note' })
  const said = el('p', { class: 'sg-soft', role: 'status' })
  const load = async () => {
    try { text.value = (await draft(kind.value)).text } catch (error) { said.textContent = error.message }
  }
  kind.value = first
  kind.addEventListener('change', load)
  const go = button('Keep the question', async () => {
    go.disabled = true
    try { await send(kind.value, text.value); box.close() } catch (error) { said.textContent = error.message; go.disabled = false }
  }, { class: 'main' })
  put(body, 
    el('p', { class: 'sg-soft', id: 'sg-query-note' }, row ? `About ${row.code}. ` : '', 'The draft quotes the note and leads to no answer. Keep it so.'),
    el('label', { for: 'sg-kind' }, 'Because'), kind, el('label', { for: 'sg-query' }, 'Question'), text, said,
    el('div', { class: 'sg-bottom' }, button('Cancel', () => box.close()), go))
  text.focus()
  load()
}

export function askReason (host, title, label, done) {
  const { box, body } = dialog(host, title)
  const field = el('input', { type: 'text', id: 'sg-reason', maxlength: 500 })
  const said = el('p', { class: 'sg-soft', role: 'status' })
  const go = button('Confirm', async () => {
    if (!field.value.trim()) { said.textContent = 'Give a reason.'; field.focus(); return }
    try { await done(field.value.trim()); box.close() } catch (error) { said.textContent = error.message }
  }, { class: 'main' })
  field.addEventListener('keydown', (event) => { if (event.key === 'Enter') go.click() })
  put(body, el('label', { for: 'sg-reason' }, label), field, said, el('div', { class: 'sg-bottom' }, button('Cancel', () => box.close()), go))
  field.focus()
}
