// Building blocks. Text goes in as text nodes only: nothing here parses markup.

const FORBIDDEN = /^(on|style$|srcdoc$|innerHTML$|outerHTML$)/i

export function el (tag, props = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue
    if (FORBIDDEN.test(name)) throw new Error('not an attribute to set: ' + name)
    node.setAttribute(name, value === true ? '' : String(value))
  }
  return put(node, ...children)
}

// Children that are there; null, undefined and false are left out.
export function put (node, ...children) {
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false))
  return node
}

export function button (label, onClick, props = {}) {
  const node = el('button', { type: 'button', ...props }, ...[label].flat())
  node.addEventListener('click', (event) => { event.stopPropagation(); onClick(event) })
  return node
}

export const key = (name) => el('kbd', {}, name)

export function empty (node) {
  node.replaceChildren()
  return node
}

export function percent (value) {
  return Math.round(value * 100) + '%'
}

export function plural (count, one, many = one + 's') {
  return count + ' ' + (count === 1 ? one : many)
}

// Where typing belongs to a field, keys are not commands.
export function isTyping (event) {
  const target = event.composedPath()[0]
  return target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

export function into (node, box) {
  // Scroll only the pane, never the page around it.
  const a = node.getBoundingClientRect(), b = box.getBoundingClientRect()
  const room = Math.min(90, b.height / 4)
  if (a.top < b.top + room || a.bottom > b.bottom - room) {
    box.scrollTop += a.top - b.top - (b.height - a.height) / 2
  }
}
