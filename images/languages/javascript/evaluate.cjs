// Runs with a program for a request with "evaluate", and reports the value of its last expression, or the exception
// that ended it.
//
//     node --require /usr/lib/codecell/evaluate.cjs main.js ARGUMENT…
//
// The program is loaded as it is without this driver, except that its last statement gives its value to the name
// __result__. What is added for that is on a line of its own if possible, because Node.js shows the line of an error.
//
// The report is a file: an HMAC-SHA256, flags, four lengths and four texts (server/run/evaluation.h). Its key comes in a
// file, which is removed before the program begins. The key is in this function alone, where no program reaches it.
'use strict';

const { isMainThread } = require('node:worker_threads');

const drive = () => {
  const { createHmac } = require('node:crypto');
  const fs = require('node:fs');
  const { registerHooks } = require('node:module');
  const { resolve } = require('node:path');
  const { pathToFileURL } = require('node:url');
  const { inspect, types } = require('node:util');
  const { parse } = require('./acorn.cjs');

  const REPORT_FILE = '/tmp/.codecell-report';
  const MOST = [1 << 20, 1 << 8, 1 << 16, 1 << 16];
  const MISSING = 0xffffffff;

  const path = resolve(process.argv[1]);
  const key = fs.readFileSync('.codecell-evaluate');
  fs.unlinkSync('.codecell-evaluate');
  process.execArgv.splice(process.execArgv.indexOf('--require'), 2);

  // What is used after the program, which may change every object that it can reach.
  const { alloc, concat, from } = Buffer;
  const { subarray, writeUInt32LE } = Buffer.prototype;
  const { digest, update } = Object.getPrototypeOf(createHmac('sha256', key));
  const { closeSync, openSync, unlinkSync, writeSync } = fs;
  const { apply, deleteProperty } = Reflect;
  const { isNativeError } = types;
  const text = String;

  // The report.

  let result = null;
  let error = [null, null, null]; // name, message, traceback

  const content = () => {
    const texts = [result, error[0], error[1], error[2]];
    const head = alloc(20);
    const parts = [head];
    let cut = 0;
    for (let i = 0; i < texts.length; i++) {
      let bytes = texts[i] === null ? null : from(texts[i], 'utf8');
      if (bytes !== null && bytes.length > MOST[i]) {
        bytes = apply(subarray, bytes, [0, MOST[i]]);
        cut |= i === 0 ? 1 : 2;
      }
      apply(writeUInt32LE, head, [bytes === null ? MISSING : bytes.length, 4 + 4 * i]);
      if (bytes !== null) parts[parts.length] = bytes;
    }
    apply(writeUInt32LE, head, [cut, 0]);
    return concat(parts);
  };

  const report = () => {
    const bytes = content();
    const all = concat([apply(digest, apply(update, createHmac('sha256', key), [bytes]), []), bytes]);
    try {
      unlinkSync(REPORT_FILE);
    } catch {
      // There is none, as it should be.
    }
    const file = openSync(REPORT_FILE, 'wx', 0o600);
    for (let at = 0; at < all.length;) at += writeSync(file, all, at);
    closeSync(file);
  };

  const describe = (value) => {
    try {
      const shown = inspect(value);
      if (isNativeError(value)) return [text(value.name), text(value.message), shown];
      return [value === null ? 'null' : typeof value, shown, `Uncaught ${shown}`];
    } catch {
      return ['Error', 'the exception cannot be shown', ''];
    }
  };

  const keep = (value) => {
    try {
      if (value !== undefined) result = inspect(value);
    } catch (problem) {
      error = describe(problem);
    }
  };

  process.on('uncaughtExceptionMonitor', (value) => {
    if (process.listenerCount('uncaughtException') === 0) error = describe(value);
  });
  process.on('exit', () => {
    try {
      report();
    } catch {
      // There is no report, and the answer says so.
    }
  });

  // The program's source.

  const statements = (source) => {
    const options = { ecmaVersion: 'latest', allowHashBang: true };
    try {
      return parse(source, { ...options, sourceType: 'script', allowReturnOutsideFunction: true }).body;
    } catch {
      return parse(source, { ...options, sourceType: 'module' }).body;
    }
  };

  // Whether `instanceof` after an expression takes all of it.
  const BINDS = /^(Identifier|Literal|TemplateLiteral|TaggedTemplateExpression|ArrayExpression|ThisExpression|MetaProperty|(Member|Call|New|Chain|Unary|Update|Await|Import)Expression)$/;
  const OPERATOR = /^([-+*/%]|\*\*|<<|>>>?|[<>]=?|in|instanceof)$/;
  const binds = ({ type, operator }) => BINDS.test(type) || (type === 'BinaryExpression' && OPERATOR.test(operator));

  const givingTo = (name, source, { start, end, expression }) => {
    const before = source.slice(0, start);
    if (/\n[ \t]*\n[ \t]*$/.test(before)) {
      const line = before.lastIndexOf('\n'); // the end of a line that is empty
      if (expression.type !== 'SequenceExpression' || expression.start > start)
        return `${before.slice(0, line)}${name} =${source.slice(line)}`;
    }
    if (binds(expression) || expression.start > start) {
      const semicolon = source[end - 1] === ';';
      return `${source.slice(0, semicolon ? end - 1 : end)}${semicolon ? ' ' : ''}${source.slice(end)}\ninstanceof ${name}`;
    }
    const at = (expression.expressions?.at(-1) ?? expression).start;
    return `${source.slice(0, at)}${name} = ${source.slice(at)}`;
  };

  // A program that Node.js will refuse stays as it is.
  const changed = (source) => {
    try {
      const last = statements(source).at(-1);
      if (last?.type !== 'ExpressionStatement') return source;
      let name = '__result__';
      while (source.includes(name)) name += '_';
      const other = givingTo(name, source, last);
      statements(other);
      const take = (value) => {
        deleteProperty(globalThis, name);
        keep(value);
        return false;
      };
      Object.defineProperty(globalThis, name, { configurable: true, get: () => ({ [Symbol.hasInstance]: take }), set: take });
      return other;
    } catch {
      return source;
    }
  };

  if (registerHooks) {
    const url = pathToFileURL(path).href;
    const load = (which, context, next) => {
      const loaded = next(which, context);
      return which === url && loaded.source != null ? { ...loaded, source: changed(text(loaded.source)) } : loaded;
    };
    registerHooks({ load });
  } else {
    const { readFileSync } = fs; // Node.js 20 reads programs with it, except modules
    fs.readFileSync = (file, options) => {
      const source = readFileSync(file, options);
      if (file !== path || typeof source !== 'string') return source;
      fs.readFileSync = readFileSync;
      return changed(source);
    };
  }
};

if (isMainThread) drive();
