// Node's FormData and fetch: many files, one of them as a stream that is larger than what the server may hold.
import assert from 'node:assert'

const { URL: base, KEY: key, SESSION: session } = process.env
const form = new FormData()
form.append('file', new Blob(['one']), 'folder/one.txt')
form.append('file', new Blob([Uint8Array.of(13, 10, 45, 45, 0, 255)], { type: 'image/png' }), 'two "quoted" ü.bin')
form.append('notes.txt', 'a value without a filename')
form.append('big', new Blob([new Uint8Array(8 << 20).fill(13)]), 'big')
const answer = await fetch(`${base}/api/v1/sessions/${session}/files`, {
  method: 'POST',
  headers: { 'X-API-Key': key },
  body: form,
})
const { items } = await answer.json()
assert.equal(answer.status, 201)
assert.deepEqual(
  items.map(({ path, size }) => [path, size]),
  [['folder/one.txt', 3], ['two "quoted" ü.bin', 6], ['notes.txt', 26], ['big', 8 << 20]],
)
console.log('all is as it should be')
