// piston-api-client against SERVER, with both of its classes. KEY, if it is set, goes into a header by a fetch() of our
// own, because the client has no place for a key; then the class that does not use fetch() is left out. Prints JSON.
import pkg from 'piston-api-client';

const { PistonClient, NodePistonClient } = pkg;
const { SERVER, KEY } = process.env;

if (KEY) {
  const plain = globalThis.fetch;
  globalThis.fetch = (url, options) =>
    plain(url, { ...options, headers: { ...options.headers, Authorization: `Bearer ${KEY}` } });
}

async function run(client) {
  const python = (content, more) => client.execute({ language: 'py', version: '3.x', files: [{ content }], ...more });
  return {
    runtimes: await client.runtimes(),
    hello: await python("print('hello')"),
    input: await python('import sys\nprint(sys.argv[1:], sys.stdin.read())', { stdin: 'in', args: ['a'] }),
    failed: await python('raise SystemExit(3)'),
    unknown: await client.execute({ language: 'python', version: '2.0.0', files: [{ content: '1' }] }),
  };
}

const classes = KEY ? [PistonClient] : [PistonClient, NodePistonClient];
const results = {};
for (const one of classes)
  results[one.name] = await run(new one({ server: SERVER, cacheTime: 0 }));
console.log(JSON.stringify(results));
process.exit(0); // the client's cache has timers
