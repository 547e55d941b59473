// Sends the browser to an address of this server; a ticket becomes the session cookie first.
export function mount (_parent, data) {
  const go = () => location.replace(data.to)
  if (!data.ticket) return go()
  fetch('/sign-in/ticket', { method: 'POST', body: data.ticket, credentials: 'same-origin' }).then(go, go)
  return () => {}
}
