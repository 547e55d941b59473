// Calls to our own server. Everything sensitive travels in bodies, nothing in addresses.

export class ApiError extends Error {
  constructor (status, body) {
    super(body.message || 'the server did not answer')
    this.status = status
    this.body = body
  }
}

export class Api {
  constructor (csrf) { this.csrf = csrf }

  async post (path, body = {}, { signal } = {}) {
    let response
    try {
      response = await fetch(path, {
        method: 'POST',
        credentials: 'same-origin',
        headers: { 'Content-Type': 'application/json', 'x-suggester-csrf': this.csrf },
        body: JSON.stringify(body),
        signal
      })
    } catch (error) {
      if (error.name === 'AbortError') throw error
      throw new ApiError(0, { error: 'offline', message: 'The server cannot be reached.' })
    }
    let answer = {}
    try { answer = await response.json() } catch { answer = {} }
    if (!response.ok) throw new ApiError(response.status, answer)
    return answer
  }
}

export const isSignedOut = (error) =>
  error instanceof ApiError && (error.status === 401 || (error.status === 403 && error.body.error === 'csrf'))
export const isTransient = (error) =>
  error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500)
