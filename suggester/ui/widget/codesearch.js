// Search for a code: by code, words, lay phrase; the tree and the tabular notes beside the hits.
import { button, el, empty, put } from './dom.js'
import { dialog } from './dialogs.js'
import { NOTES, SYSTEMS } from './words.js'

export function codeSearch (host, api, { note, query = '', purpose, pick }) {
  const { box, body } = dialog(host, purpose, { wide: true })
  const field = el('input', { type: 'search', id: 'sg-search', placeholder: 'code, words, or as a patient says it', autocomplete: 'off', spellcheck: 'false',
    role: 'combobox', 'aria-expanded': 'true', 'aria-controls': 'sg-hits', 'aria-label': 'Search codes', 'aria-autocomplete': 'list' })
  const filter = el('select', { 'aria-label': 'Code system' }, el('option', { value: '' }, 'All'),
    ...Object.keys(SYSTEMS).map((name) => el('option', { value: name }, name)))
  const list = el('ul', { id: 'sg-hits', role: 'listbox', 'aria-label': 'Codes found', class: 'sg-hits' })
  const side = el('div', { class: 'sg-card', tabindex: 0, role: 'region', 'aria-label': 'The code', 'aria-live': 'polite' })
  const said = el('p', { class: 'sg-soft', role: 'status' })
  let hits = [], at = 0, running = null, timer = null, cardTimer = null, shown = null
  const wanted = () => filter.value + '\n' + field.value

  const take = (hit) => {
    if (!hit) return
    if (!hit.billable) { field.value = hit.code; load(); return }
    box.close()
    pick(hit)
  }

  const point = (index) => {
    at = Math.max(0, Math.min(hits.length - 1, index))
    list.querySelectorAll('[role=option]').forEach((node, i) => {
      node.setAttribute('aria-selected', String(i === at))
      if (i === at) { node.scrollIntoView({ block: 'nearest' }); field.setAttribute('aria-activedescendant', node.id) }
    })
    clearTimeout(cardTimer)
    cardTimer = setTimeout(() => hits[at] && card(hits[at]), 120)
  }

  const draw = () => {
    put(empty(list), ...hits.map((hit, i) => {
      const node = el('li', { role: 'option', id: 'sg-hit-' + i, class: hit.billable ? '' : 'category', 'aria-selected': 'false' },
        el('span', { class: 'sg-code' }, hit.code), el('span', { class: 'sg-sys sys-' + hit.system }, SYSTEMS[hit.system]),
        el('span', { class: 'sg-title' }, hit.display || hit.matched), hit.favourite ? el('span', { class: 'sg-star', title: 'favourite' }, '★') : null,
        hit.billable ? null : el('span', { class: 'sg-soft' }, 'category'))
      node.addEventListener('click', () => { if (at === i) take(hit); else point(i) })
      node.addEventListener('dblclick', () => take(hit))
      return node
    }))
    said.textContent = hits.length ? '' : field.value.trim() ? 'Nothing found. Try fewer or other words.' : 'Your favourites and recent codes will stand here.'
    if (hits.length) point(0)
    else empty(side)
  }

  const load = async () => {
    running?.abort()
    running = new AbortController()
    const mine = running
    const started = performance.now()
    const asked = wanted()
    try {
      const found = await api.post('/api/codes/search', { query: field.value, system: filter.value || null, note_id: note }, { signal: mine.signal })
      if (mine !== running) return
      hits = found.hits
      shown = asked
      box.dataset.milliseconds = String(Math.round(performance.now() - started))
      draw()
    } catch (error) { if (error.name !== 'AbortError') said.textContent = error.message }
  }

  const card = async (hit) => {
    let details
    try { ({ details } = await api.post('/api/codes/details', { system: hit.system, code: hit.code, note_id: note })) } catch { return }
    if (!box.isConnected || hits[at]?.code !== hit.code) return
    const star = button(details.favourite ? '★ Favourite' : '☆ Favourite', async () => {
      await api.post('/api/codes/favourite', { system: hit.system, code: hit.code, favourite: !details.favourite })
      hit.favourite = !details.favourite
      card(hit)
    }, { 'aria-pressed': String(details.favourite) })
    const jump = (code) => button([el('span', { class: 'sg-code' }, code.code), ' ' + code.display], () => { field.value = code.code; load(); field.focus() }, { class: 'sg-jump' })
    put(empty(side), 
      el('p', { class: 'sg-cardhead' }, el('span', { class: 'sg-code' }, details.code), ' ', details.display),
      el('div', { class: 'sg-cardactions' },
        details.billable ? button(pickWords(purpose), () => take(hit), { class: 'main' }) : el('span', { class: 'sg-soft' }, 'a category: choose below it'), star),
      details.ancestors.length ? el('details', { open: true }, el('summary', {}, 'Where it stands'), el('ul', {}, ...details.ancestors.map((code) => el('li', {}, jump(code))))) : null,
      details.children.length ? el('details', { open: true }, el('summary', {}, 'Below it'), el('ul', {}, ...details.children.slice(0, 40).map((code) => el('li', {}, jump(code))))) : null,
      details.notes.length
        ? el('details', { open: true }, el('summary', {}, 'Notes of the tabular list'),
          el('ul', { class: 'sg-tabular' }, ...details.notes.slice(0, 40).map(([kind, text, from]) =>
            el('li', {}, el('strong', {}, NOTES[kind] || kind), ' ', text, from !== details.code ? el('span', { class: 'sg-soft' }, ' (at ' + from + ')') : null))))
        : null)
  }

  // Enter takes the hit at hand. Before the list is that of the words (quick typing), only a code typed in full.
  const enter = async () => {
    if (shown === wanted()) { take(hits[at]); return }
    clearTimeout(timer)
    await load()
    const plain = (text) => text.replace(/[.\s]/g, '').toUpperCase()
    if (box.open && shown === wanted() && hits.length && plain(hits[at].code) === plain(field.value)) take(hits[at])
  }

  field.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(load, 40) })
  filter.addEventListener('change', load)
  field.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown') { point(at + 1); event.preventDefault() }
    if (event.key === 'ArrowUp') { point(at - 1); event.preventDefault() }
    if (event.key === 'Escape') { box.close(); event.preventDefault() } // a search field would only clear itself
    if (event.key === 'Enter') { enter(); event.preventDefault() }
  })
  put(body, el('div', { class: 'sg-searchbar' }, field, filter), el('div', { class: 'sg-found' }, el('div', { tabindex: 0, role: 'region', 'aria-label': 'Hits' }, said, list), side))
  field.value = query
  field.select()
  field.focus()
  load()
}

function pickWords (purpose) {
  return purpose.startsWith('Replace') ? 'Replace by this' : 'Add this code'
}
