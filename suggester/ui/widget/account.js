// Who is signed in, top right; in the demo, what it is and a choice of roles.
import { el } from './dom.js'

export function mount (parent, data) {
  parent.classList.add('sg-account-root')
  document.querySelector('.sg-account')?.remove()
  const bar = el('div', { class: 'sg-account', role: 'group', 'aria-label': 'Account' })
  if (data.demo) {
    bar.append(el('span', { class: 'sg-demo', title: 'Sample notes only. Nothing is kept when the server stops.' },
      'Demo: sample notes, nothing is kept'))
    const choice = el('select', { 'aria-label': 'Look at the demo as' },
      ...['coder', 'auditor', 'manager', 'admin'].map((role) =>
        el('option', role === data.role ? { value: role, selected: '' } : { value: role }, role)))
    choice.addEventListener('change', () => location.assign('/sign-in?role=' + choice.value))
    bar.append(choice)
  } else {
    bar.append(el('span', { class: 'sg-who' }, data.name), el('span', { class: 'sg-role' }, data.role))
    const out = el('button', { type: 'button' }, 'Sign out')
    out.addEventListener('click', async () => {
      out.disabled = true
      await fetch('/api/sign-out', { method: 'POST', headers: { 'x-suggester-csrf': data.csrf } }).catch(() => null)
      location.assign('/sign-in?why=signed_out')
    })
    bar.append(out)
  }
  bar.style.color = getComputedStyle(parent).color
  bar.style.fontFamily = getComputedStyle(parent).fontFamily
  document.body.append(bar)
  return () => bar.remove()
}
