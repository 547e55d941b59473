// The guided tour: one place after the other, with a few words.
import { button, el } from './dom.js'
import { TOUR } from './words.js'

export function tour (root) {
  let at = -1
  const card = el('div', { class: 'sg-tour', role: 'dialog', 'aria-label': 'Guided tour', tabindex: -1 })
  const end = () => {
    card.remove()
    root.querySelector('.sg-lit')?.classList.remove('sg-lit')
  }
  const show = (index) => {
    root.querySelector('.sg-lit')?.classList.remove('sg-lit')
    at = index
    if (at >= TOUR.length) return end()
    const [where, title, text] = TOUR[at]
    const place = root.querySelector(where) || root.querySelector('.sg-note') || root
    place.classList.add('sg-lit')
    place.scrollIntoView({ block: 'nearest' })
    card.replaceChildren(
      el('p', { class: 'sg-soft' }, `${at + 1} of ${TOUR.length}`), el('h2', {}, title), el('p', {}, text),
      el('div', { class: 'sg-bottom' }, button('End', end), at > 0 ? button('Back', () => show(at - 1)) : null,
        button(at + 1 < TOUR.length ? 'Next' : 'Start coding', () => show(at + 1), { class: 'main' })))
    const seat = place.getBoundingClientRect(), box = root.getBoundingClientRect()
    const left = seat.left + seat.width / 2 < box.left + box.width / 2
    card.style.left = left ? Math.min(seat.right - box.left + 14, box.width - 380) + 'px' : Math.max(12, seat.left - box.left - 374) + 'px'
    card.style.top = Math.max(64, Math.min(seat.top - box.top + 10, box.height - 260)) + 'px'
    card.querySelector('.main').focus()
  }
  card.addEventListener('keydown', (event) => {
    event.stopPropagation()
    if (event.key === 'Escape') end()
    if (event.key === 'ArrowRight') show(at + 1)
    if (event.key === 'ArrowLeft' && at > 0) show(at - 1)
  })
  root.append(card)
  show(0)
}
