// swc, the compiler of TypeScript here: a library that is loaded into Node.js. Its package's own JavaScript is left
// out, because it would be one thing more to load at each start.
'use strict';

const { inlineMap } = require('./modules.cjs');

const library = { exports: {} };
process.dlopen(library, `${__dirname}/swc.node`);
const { parseSync, transformSync } = library.exports;

const text = (object) => Buffer.from(JSON.stringify(object));

// "x WHAT", then "N | LINE" and ": ^^^" below it.
const WHAT = /^\s*x (.*)\n/;
const PLACE = /^ *(\d+) \| (.*)\n *: ( *\^+)/m;
const END = /,-\[.*:(\d+):\d+\]/;

/** A file that is not TypeScript. The message is in Node.js's form: where, the line, the place, and what is wrong. */
class SourceError extends Error {
  constructor({ message }, path) {
    const [, what] = WHAT.exec(message);
    const [, line, shown, caret] = PLACE.exec(message) ?? [, END.exec(message)[1], '', ''];
    super(`${path}:${line}\n${shown}\n${caret}\n\nSyntaxError: ${what}`);
  }
}
exports.SourceError = SourceError;

const call = (work, path) => {
  try {
    return work();
  } catch (error) {
    throw END.test(error.message) ? new SourceError(error, path) : error;
  }
};

const parserOf = (syntax, path) => ({ syntax, decorators: true, tsx: path.endsWith('x') });

/**
 * The syntax tree: { program: { body }, … }.
 * @param {string} source
 * @param {'typescript' | 'ecmascript'} syntax
 * @param {string} path
 */
exports.parse = (source, syntax, path) => {
  const options = { ...parserOf(syntax, path), target: 'esnext', isModule: true };
  return JSON.parse(call(() => parseSync(source, text(options), path), path));
};

/**
 * The JavaScript of a file, with its source map.
 * @param {string | object} source its text, or its tree
 * @param {string} path
 * @param {{ module: 'commonjs' | 'nodenext', transform: object, end?: (code: string) => string }} how options of swc's,
 *   and what comes before the source map
 */
exports.compile = (source, path, { module, transform, end }) => {
  const isTree = typeof source === 'object';
  const options = {
    filename: path,
    swcrc: false,
    configFile: false,
    sourceMaps: true,
    isModule: true,
    module: { type: module },
    jsc: { target: 'esnext', parser: parserOf('typescript', path), transform },
  };
  const given = isTree ? JSON.stringify(source) : source;
  const { code, map } = call(() => transformSync(given, isTree, text(options)), path);
  return code + (end?.(code) ?? '') + inlineMap(map);
};
