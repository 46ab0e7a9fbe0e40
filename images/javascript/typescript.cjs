// Loaded before a TypeScript program (images/typescript, images/typescript-checked).
'use strict';

const { stripTypeScriptTypes } = require('node:module');
const { enterFolder, isWaiting, tryEndings } = require('./modules.cjs');

// Node.js starts what takes the types out at its first use, and compiles each part of it at the part's own: a small
// program with a little of everything makes the next one ten times faster.
const SAMPLE = `import { a, type B } from './b';
enum Level { Low, High = 'high' }
namespace Names { export const all = { ...a, list: [1, 2] satisfies number[] }; }
interface Shape<T> { area(): number; readonly name?: T }
type Pair = [number, string] | undefined;
abstract class Base<T> implements Shape<T> {
  constructor(private x: T, public y = 1) {}
  area(): number { return this.y as number; }
}
export const f = async <T,>(g: (t: T) => Promise<T>, ...rest: T[]): Promise<T | undefined> => {
  try {
    for (const each of rest) await g(each!);
    while (rest.length > 1) rest.pop();
  } catch (error) {
    console.log(\`\${error}\`);
  }
  return rest[0];
};
function isNumber(value: number | string): value is number {
  if (typeof value === 'number') return true;
  switch (value) { case 'a': return false; default: throw new Error('no'); }
}
`;
if (isWaiting()) stripTypeScriptTypes(SAMPLE, { mode: 'transform', sourceMap: true, sourceUrl: 'sample.ts' });

// Programs written for tsc name a module as './part' or './part.js' where the file is part.ts.
tryEndings([
  [/(?<!\.[cm]?[jt]s)$/, '.ts'],
  [/(?<!\.[cm]?[jt]s)$/, '/index.ts'],
  [/\.js$/, '.ts'],
  [/\.mjs$/, '.mts'],
  [/\.cjs$/, '.cts'],
]);
enterFolder();
