// The package eventsource, with a fetch that sends the key: it follows an execution in the background, loses its
// connection, goes on where it was, and stops after the result.
import assert from 'node:assert'
import { EventSource } from 'eventsource'

const { URL: base, KEY: key } = process.env
const headers = { 'X-API-Key': key }
const accepted = await fetch(`${base}/api/v1/execute/async`, {
  method: 'POST',
  headers: { ...headers, 'Content-Type': 'application/json' },
  body: JSON.stringify({ code: 'sleep 1; for i in 1 2 3 4; do echo $i; sleep 2; done', language: 'bash' }),
})
const { execution_id: id } = await accepted.json()

const asked = []
let cut
const source = new EventSource(`${base}/api/v1/executions/${id}/events`, {
  fetch: async (url, init) => {
    asked.push(init.headers['Last-Event-ID'])
    const answer = await fetch(url, { ...init, headers: { ...init.headers, ...headers } })
    const through = new TransformStream({ start: (pipe) => { cut = () => pipe.error(new TypeError('cut')) } })
    const { status, redirected, headers: told } = answer
    return { url, status, redirected, headers: told, body: answer.body?.pipeThrough(through) }
  },
})
let out = '', result = null
source.addEventListener('stdout', (event) => {
  out += JSON.parse(event.data).data
  if (event.lastEventId === '2') cut()
})
source.addEventListener('result', (event) => { result = JSON.parse(event.data) })
await new Promise((resolve) => source.addEventListener('error', () => source.readyState === EventSource.CLOSED && resolve()))
assert.equal(out, '1\n2\n3\n4\n')
assert.equal(result.status, 'completed')
assert.deepEqual(asked, [undefined, '2', '6'])
console.log('all is as it should be')
