// Node's fetch reads a stream's pieces as they come.
import assert from 'node:assert'

const { URL: base, KEY: key } = process.env
const code = 'sleep 1; for i in 1 2 3; do echo $i; sleep 2; done'
const answer = await fetch(`${base}/api/v1/execute`, {
  method: 'POST',
  headers: { 'X-API-Key': key, 'Content-Type': 'application/json' },
  body: JSON.stringify({ code, language: 'bash', stream: true }),
})
assert.equal(answer.status, 200)
const times = {}
let text = ''
for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
  text += piece
  for (const i of [1, 2, 3]) if (!times[i] && text.includes(`"data":"${i}\\n"`)) times[i] = performance.now()
}
assert.ok(times[2] - times[1] > 100 && times[3] - times[2] > 100, JSON.stringify(times))
assert.match(text, /event: result\ndata: \{.*"status":"completed".*\}\n\n$/)
console.log('all is as it should be')
