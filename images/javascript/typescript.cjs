// Loaded before a TypeScript program (images/typescript): a waiting cell has done this before the program comes.
'use strict';

const { registerHooks, stripTypeScriptTypes } = require('node:module');

// Starts what takes the types out, 40 ms of work.
stripTypeScriptTypes('', { mode: 'transform' });

// Programs written for tsc name a module as './part' or './part.js' where the file is part.ts: tried when nothing else
// is found.
const ENDINGS = [
  [/(?<!\.[cm]?[jt]s)$/, '.ts'],
  [/(?<!\.[cm]?[jt]s)$/, '/index.ts'],
  [/\.js$/, '.ts'],
  [/\.mjs$/, '.mts'],
  [/\.cjs$/, '.cts'],
];
const NOT_FOUND = new Set(['ERR_MODULE_NOT_FOUND', 'ERR_UNSUPPORTED_DIR_IMPORT', 'MODULE_NOT_FOUND']);

registerHooks({
  resolve(specifier, context, next) {
    try {
      return next(specifier, context);
    } catch (error) {
      if (!NOT_FOUND.has(error.code) || !/^(\.{0,2}\/|file:)/.test(specifier)) throw error;
      for (const [ending, other] of ENDINGS) {
        if (!ending.test(specifier)) continue;
        try {
          return next(specifier.replace(ending, other), context);
        } catch (further) {
          if (!NOT_FOUND.has(further.code)) throw further;
        }
      }
      throw error;
    }
  },
});
