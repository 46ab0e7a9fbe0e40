// A person at a terminal, by the package ws: node terminal.mjs URL KEY HOW
// HOW: "header" sends the key in the head, "message" as the first message.
// Types each line after its prompt, interrupts a loop, resizes, and ends. Prints what came as JSON.
import WebSocket from 'ws';

const [url, key, how] = process.argv.slice(2);
const socket = new WebSocket(url, 'codecell.v1', how === 'header' ? { headers: { 'X-API-Key': key } } : {});
const seen = { types: [], stdout: '', pings: 0 };
const steps = [
  ['>>> ', { type: 'stdin', data: '6 * 7\n' }],
  ['42\r\n>>> ', { type: 'stdin', data: 'while True: pass\n\n' }],
  ['... ', null],
  ['', { type: 'signal', signal: 'SIGINT' }],
  ['KeyboardInterrupt', undefined],
  ['>>> ', { type: 'resize', columns: 120, rows: 40 }],
  ['', { type: 'stdin', data: 'import os; os.get_terminal_size()\n' }],
  ['os.terminal_size(columns=120, lines=40)\r\n>>> ', { type: 'stdin', data: 'exit(5)\n' }],
];
let since = 0;
let waits = false;

function say(message) {
  socket.send(JSON.stringify(message));
}

function goOn() {
  while (steps.length > 0) {
    const [text, message] = steps[0];
    const at = seen.stdout.indexOf(text, since);
    if (at < 0) return;
    since = at + text.length;
    steps.shift();
    if (message === null) {
      waits = true; // the loop has to begin
      setTimeout(() => { waits = false; goOn(); }, 300);
      return;
    }
    if (message !== undefined) say(message);
  }
}

socket.on('open', () => {
  if (how === 'message') say({ type: 'key', key });
  say({
    type: 'start', language: 'python', code: "import os; os.execvp('python3', ['python3', '-i'])",
    environment: { PYTHON_BASIC_REPL: '1' }, terminal: { columns: 80, rows: 24 }, timeout: 15,
  });
});
socket.on('message', (data, isBinary) => {
  const message = JSON.parse(data);
  if (isBinary) throw new Error('binary');
  if (seen.types.at(-1) !== message.type) seen.types.push(message.type);
  if (message.type === 'stdout') seen.stdout += message.data;
  if (message.type === 'result' || message.type === 'error') seen.last = message;
  if (!waits) goOn();
});
socket.on('close', (code, reason) => {
  console.log(JSON.stringify({ ...seen, code, reason: String(reason), protocol: socket.protocol, extensions: socket.extensions }));
});
