// Loaded before a TypeScript program (images/typescript): a waiting cell has done this before the program comes.
'use strict';

const { stripTypeScriptTypes } = require('node:module');
const { tryEndings } = require('./modules.cjs');

// Starts what takes the types out, which is most of the time until the program runs.
stripTypeScriptTypes('', { mode: 'transform' });

// Programs written for tsc name a module as './part' or './part.js' where the file is part.ts.
tryEndings([
  [/(?<!\.[cm]?[jt]s)$/, '.ts'],
  [/(?<!\.[cm]?[jt]s)$/, '/index.ts'],
  [/\.js$/, '.ts'],
  [/\.mjs$/, '.mts'],
  [/\.cjs$/, '.cts'],
]);
