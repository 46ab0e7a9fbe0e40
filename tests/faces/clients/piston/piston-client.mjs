// piston-client against SERVER: its runtimes, then one program for each of its ways to call execute(). Prints JSON.
import { piston } from 'piston-client';

const client = piston({ server: process.env.SERVER });
const runtimes = await client.runtimes();

console.log(JSON.stringify({
  runtimes,
  hello: await client.execute('python', "print('hello')"),
  input: await client.execute('python', 'import sys\nprint(sys.argv[1:], sys.stdin.read())', { stdin: 'in', args: ['a'] }),
  files: await client.execute({
    language: 'javascript',
    version: '*',
    files: [{ name: 'main.js', content: "console.log(require('./other').value)" },
            { name: 'other.js', content: 'exports.value = 6 * 7' }],
  }),
  failed: await client.execute('python', 'raise SystemExit(3)'),
  late: await client.execute('bash', 'sleep 100', { runTimeout: 300 }),
  compiled: await client.execute('c', 'int main(void) { return nothing; }'),
  unknown: await client.execute({ language: 'nothing', version: '1', files: [{ content: '1' }] }),
}));
