// The kernel of a workspace: runs one cell after another and keeps its state between them.
//
//     CODECELL_KERNEL=3 node /usr/lib/codecell/kernel.cjs
//
// Cells come on the channel, a socket whose descriptor CODECELL_KERNEL names. Their values go back on it
// (docs/internals/kernel.md has the messages); what they print goes to the standard streams. kernel-cell.cjs makes a
// script of a cell.
//
// While a cell runs, an interrupt ends its script, or what it waits for. No frame of this file is below a cell's:
// a promise calls the function that runs the script.
'use strict';

const fs = require('node:fs');
const { Module, createRequire } = require('node:module');
const path = require('node:path');
const { inspect, types } = require('node:util');
const vm = require('node:vm');
const { SourceOfCell, translate } = require('./kernel-cell.cjs');

const drive = () => {
  // What is used after a cell, which may change every object that it can reach.
  const channel = Number(process.env.CODECELL_KERNEL);
  delete process.env.CODECELL_KERNEL;
  const watch = process.binding('contextify');
  const { allocUnsafe, byteLength, concat, from } = Buffer;
  const { readUInt32LE, subarray, toString, writeUInt32LE } = Buffer.prototype;
  const { closeSync, openSync, readSync, writeSync } = fs;
  const { cwd, emit, listenerCount } = process;
  const { notify, load: loadWord, store } = Atomics;
  const { apply, defineProperty, deleteProperty, getOwnPropertyDescriptor } = Reflect;
  const { min } = Math;
  const { stringify } = JSON;
  const { isNativeError, isPromise, isUint8Array } = types;
  const { runInThisContext } = vm.Script.prototype;
  const { bind } = Function.prototype;
  const { then } = Promise.prototype;
  const resolved = Promise.resolve();
  const { setImmediate: soon } = globalThis;
  const number = (bytes, at) => apply(readUInt32LE, bytes, [at]);
  const part = (bytes, start, end) => apply(subarray, bytes, [start, end]);
  const text = (bytes) => apply(toString, bytes, ['utf8']);

  const [BUNDLE, RESULT, ERROR, NOTE, COUNT, END] = [1, 2, 3, 4, 5, 9];
  const RUN = 1;
  const CODE_MAX = 16 << 20;
  const TEXT_MAX = 1 << 20; // bytes of the result's text
  const ERROR_MAX = [1 << 8, 1 << 16, 1 << 16];
  const BUNDLES_MAX = 256;
  const ENTRIES_MAX = 32;
  const RESERVE = 192 << 10; // of a cell's bytes: for its error and its notes
  const POLL_MS = 50;
  const RUN_OPTIONS = { breakOnSigint: true, displayErrors: false };

  const { kill, pid } = process;
  const leave = () => apply(kill, process, [pid, 'SIGKILL']);

  // Messages.

  let count = 0;
  let cell = null; // what runs now

  const write = (bytes) => {
    for (let at = 0; at < bytes.length;) {
      try {
        at += writeSync(channel, bytes, at);
      } catch (error) {
        if (error.code !== 'EINTR') return leave(); // the cell has closed it
      }
    }
  };

  const word = (value) => {
    const bytes = allocUnsafe(4);
    apply(writeUInt32LE, bytes, [value >>> 0, 0]);
    return bytes;
  };

  const message = (kind, ...parts) => {
    const body = concat(parts);
    return concat([word(kind), word(body.length), body]);
  };

  /** Sends what the cell has shown so far, and more messages. No cell may call it: an interrupt would leave a part. */
  const send = (...messages) => {
    const queue = cell.queue;
    cell.queue = [];
    if (!cell.isCounted) write(concat([message(COUNT, word(count)), ...queue, ...messages]));
    else if (queue.length + messages.length > 0) write(concat([...queue, ...messages]));
    cell.isCounted = true;
  };

  /** Sends messages when the cell lets the event loop go on. */
  const sendSoon = (messages) => {
    const shown = cell;
    shown.queue = [...shown.queue, ...messages];
    soon(() => {
      if (cell === shown) send();
    });
  };

  const megabytes = (size) =>
    size >= 1e5 ? `${(size / 1e6).toFixed(1)} MB` : size >= 1e3 ? `${(size / 1e3).toFixed(1)} kB` : `${size} bytes`;

  const cut = (bytes, most) => {
    if (bytes.length <= most) return bytes;
    while (most > 0 && (bytes[most] & 0xc0) === 0x80) most--;
    return part(bytes, 0, most);
  };

  const noteOf = (sentence) => message(NOTE, from(sentence));

  /** The messages if the cell may send so much more; else a note, once. */
  const within = (size, make) => {
    if (cell.isFull || size > cell.left) {
      if (cell.isFull) return [];
      cell.isFull = true;
      return [noteOf('Further values were left out: they are too many or too large')];
    }
    cell.left -= size;
    return [make()];
  };

  const resultMessages = (shown) => {
    const messages = [];
    const most = min(TEXT_MAX, cell.resultMax);
    if (shown.length > most) messages.push(noteOf(`The result of ${megabytes(shown.length)} is cut at ${megabytes(most)}`));
    const bytes = cut(shown, most);
    return [...messages, ...within(bytes.length + 8, () => message(RESULT, bytes))];
  };

  const bundleMessages = (isLast, entries) => {
    const messages = [];
    const parts = [word(isLast ? 1 : 0)];
    let size = 12;
    for (const [mime, datum] of entries.slice(0, ENTRIES_MAX)) {
      let bytes = datum;
      if (bytes.length > cell.resultMax) {
        const what = `The value's ${mime} of ${megabytes(bytes.length)}`;
        const most = megabytes(cell.resultMax);
        messages.push(noteOf(mime === 'text/plain' ? `${what} is cut at ${most}` : `${what} was left out: at most ${most}`));
        if (mime !== 'text/plain') continue;
        bytes = cut(bytes, cell.resultMax);
      }
      const name = from(mime);
      parts.push(word(name.length), word(bytes.length), name, bytes);
      size += 8 + name.length + bytes.length;
    }
    if (parts.length === 1) return messages;
    if (++cell.bundles > BUNDLES_MAX) size = Infinity;
    return [...messages, ...within(size, () => message(BUNDLE, ...parts))];
  };

  // Rich values, by the conventions of Deno's kernel for Jupyter.

  const DISPLAY = Symbol.for('Jupyter.display');
  const IS_TEXT = /^text\/|^image\/svg\+xml$|^application\/javascript$/;
  const IS_JSON = /^application\/(.*\+)?json$/;

  const encoded = (mime, datum) => {
    if (datum === undefined || datum === null) return null;
    if (IS_JSON.test(mime)) {
      const json = stringify(datum);
      return json === undefined ? null : from(json);
    }
    if (isUint8Array(datum)) {
      const bytes = from(datum.buffer, datum.byteOffset, datum.byteLength);
      return IS_TEXT.test(mime) ? bytes : from(apply(toString, bytes, ['base64']));
    }
    return from(IS_TEXT.test(mime) ? String(datum) : String(datum).replace(/\s/g, ''));
  };

  const entriesOf = (bundle) =>
    Object.entries(bundle)
      .map(([mime, datum]) => [mime, encoded(mime, datum)])
      .filter(([, bytes]) => bytes !== null);

  const startsWith = (bytes, begin) => begin.every((byte, i) => bytes[i] === byte);

  /** What an object without a method for it is by its shape. */
  const bundleByShape = (value) => {
    if (isUint8Array(value)) {
      if (startsWith(value, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return { 'image/png': value };
      if (startsWith(value, [0xff, 0xd8, 0xff])) return { 'image/jpeg': value };
      return {};
    }
    if (isPromise(value) || types.isProxy(value)) return {};
    if (typeof value.toDataURL === 'function') return { 'image/png': String(value.toDataURL()).replace(/^.*?,/, '') };
    if (typeof value.outerHTML === 'string')
      return { [/^<svg\b/i.test(value.outerHTML) ? 'image/svg+xml' : 'text/html']: value.outerHTML };
    return {};
  };

  /** A promise of the value's bundle, or the bundle itself. */
  const bundleOf = (value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return {};
    return typeof value[DISPLAY] === 'function' ? value[DISPLAY]() : bundleByShape(value);
  };

  const withText = (bundle, shown) => ({ 'text/plain': shown, ...(bundle ?? {}) });

  /** Shows a value: as HTML, a picture or text, by what it offers. With `raw` it is an object of MIME types and data. */
  const display = (value, { raw = false } = {}) => {
    const shows = cell;
    const publish = (bundle) => {
      if (cell !== null && cell === shows) sendSoon(bundleMessages(false, entriesOf(bundle)));
    };
    const bundle = raw ? value : bundleOf(value);
    if (isPromise(bundle)) return apply(then, bundle, [(it) => publish(withText(it, inspect(value)))]);
    publish(raw ? bundle : withText(bundle, inspect(value)));
    return undefined;
  };

  // Errors.

  const sources = new SourceOfCell();

  class Exit {} // what process.exit() throws
  class Interrupted {}

  const FRAME_OF_KERNEL =
    /\n +at [^\n]*(\/kernel(-\w+)?\.cjs:|node:codecell:|(runInThisContext|Script) \(node:vm:|node:internal\/(process|timers|vm)\b)[^\n]*?(?=( \{)?(\n|$))/g;
  const own = (shown) => shown.replace(FRAME_OF_KERNEL, '');

  /** [name, message, what is printed] */
  const describe = (error) => {
    if (error instanceof Interrupted) return ['Interrupted', 'The cell was interrupted', 'Interrupted: The cell was interrupted'];
    try {
      const shown = own(inspect(error));
      if (!isNativeError(error)) return [error === null ? 'null' : typeof error, shown, `Uncaught ${shown}`];
      const isBare = shown === `[${error.stack}]`; // what inspect() makes of a stack without frames
      return [String(error.name), String(error.message), isBare ? error.stack : sources.place(error.stack) + shown];
    } catch {
      return ['Error', 'the exception cannot be shown', 'Uncaught exception, which cannot be shown'];
    }
  };

  const print = (shown) => {
    try {
      process.stderr.write(`${shown}\n`);
    } catch {
      // The cell has closed it.
    }
  };

  /** The first exception of a cell is its error. */
  const tell = (error) => {
    const texts = describe(error);
    print(texts[2]);
    if (cell === null || cell.hasError) return;
    cell.hasError = true;
    const bytes = texts.map((each, i) => cut(from(each), ERROR_MAX[i]));
    send(message(ERROR, ...bytes.map((each) => word(each.length)), ...bytes));
  };

  // Interrupts. Node.js has a watchdog for scripts that breaks what runs. It is always on, so no interrupt ends the
  // kernel. What comes while no script runs is seen by a timer.

  const { removeAllListeners } = process;

  // A cell's own listeners of SIGINT must not take the watchdog's place.
  for (const event of ['newListener', 'removeListener'])
    for (const listener of process.listeners(event)) {
      process.removeListener(event, listener);
      process.on(event, (which, ...rest) => {
        if (which !== 'SIGINT') apply(listener, process, [which, ...rest]);
      });
    }

  const forgetInterrupts = () => {
    store(watched, HAS_COME, 0);
    notify(watched, HAS_COME);
    watch.startSigintWatchdog(); // the inner of two pairs forgets what has come
    watch.stopSigintWatchdog();
  };

  // A second thread sees interrupts too. It is started by a cell that waits for something.
  const [HAS_COME, IS_RUNNING] = [1, 2];
  const watched = new Int32Array(new SharedArrayBuffer(12));
  let watcher = null;

  const startWatcher = () => {
    const { Worker } = require('node:worker_threads');
    watcher = new Worker(path.join(__dirname, 'kernel-watch.cjs'), {
      workerData: watched.buffer, execArgv: [], env: {}, stdout: true, stderr: true,
    });
    watcher.on('error', () => {}); // it needs a thread, and the cells may have taken all
    watcher.unref();
  };

  const hasInterrupt = () => watch.watchdogHasPendingSigint() || loadWord(watched, HAS_COME) === 1;

  const workName = Symbol.for('codecell.work');
  const worker = new vm.Script(`this[Symbol.for('codecell.work')]`, { filename: 'node:codecell' });

  /** Calls a function that may call the user's code. An interrupt ends it. */
  const guarded = (work) => {
    let result;
    defineProperty(globalThis, workName, { configurable: true, get: () => ((result = work()), undefined) });
    try {
      apply(runInThisContext, worker, [RUN_OPTIONS]);
    } finally {
      deleteProperty(globalThis, workName);
    }
    return result;
  };

  const asError = (error) => (error?.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED' ? new Interrupted() : error);

  // A cell.

  const end = () => {
    const ended = cell;
    let code = ended.exit ?? (ended.hasError ? 1 : 0);
    if (ended.exit === null && !ended.hasError && process.exitCode !== undefined) code = Number(process.exitCode) & 0xff;
    process.exitCode = undefined;
    closeStdin();
    apply(removeAllListeners, process, ['SIGINT']);
    store(watched, IS_RUNNING, 0);
    forgetInterrupts();
    send(message(END, word(ended.number), word(code)));
    cell = null;
    soon(next);
  };

  /** The cell is over: with a value, an exception, process.exit() or an interrupt. What is ready to run, runs before. */
  const finish = () => {
    if (cell.isOver) return;
    cell.isOver = true;
    soon(end);
  };

  const fail = (error) => {
    if (!(error instanceof Exit)) tell(asError(error));
  };

  const show = (value) => {
    const shown = from(inspect(value));
    const bundle = bundleOf(value);
    const sendAll = (it) => sendSoon([...resultMessages(shown), ...bundleMessages(true, entriesOf(withText(it, shown)))]);
    if (isPromise(bundle)) return apply(then, bundle, [sendAll]);
    return sendAll(bundle);
  };

  const onValue = (running, hasValue) => (value) => {
    if (cell !== running || running.isOver) return;
    try {
      const later = hasValue && value !== undefined ? guarded(() => show(value)) : undefined;
      if (isPromise(later)) {
        apply(then, later, [finish, onError(running)]);
        return;
      }
    } catch (error) {
      fail(error);
    }
    finish();
  };

  const onError = (running) => (error) => {
    if (cell !== running || running.isOver) return;
    fail(error);
    finish();
  };

  const importer = new vm.Script('(specifier, options) => import(specifier, options)', {
    filename: 'import',
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  }).runInThisContext();

  /** Gives the names of an import declaration their values. */
  const bindImport = ({ specifier, names }) => (module) => {
    for (const [local, imported] of names) {
      if (imported === '*') globalThis[local] = module;
      else if (imported in module) globalThis[local] = module[imported];
      else if (Object(module.default) === module.default && imported in module.default) globalThis[local] = module.default[imported];
      else throw new SyntaxError(`The requested module '${specifier}' does not provide an export named '${imported}'`);
    }
  };

  /** Makes room for names that Node.js has as getters, such as `crypto`. */
  const free = (names) => {
    for (const each of names) {
      const known = getOwnPropertyDescriptor(globalThis, each);
      if (known?.configurable && !known.writable)
        defineProperty(globalThis, each, { value: undefined, writable: true, enumerable: true, configurable: true });
    }
  };

  const run = (source, filename) => {
    const running = cell;
    let made;
    try {
      made = translate(source, filename, path.join(apply(cwd, process, []), 'main.js'));
      free(made.names);
    } catch (error) {
      fail(error);
      return finish();
    }
    let chain = resolved;
    for (const each of made.imports) {
      const load = apply(bind, importer, [null, each.specifier, each.options]);
      chain = apply(then, apply(then, chain, [load]), [bindImport(each)]);
    }
    const start = apply(bind, runInThisContext, [made.script, RUN_OPTIONS]);
    chain = apply(then, chain, [start]);
    return void apply(then, chain, [onValue(running, made.hasValue), onError(running)]);
  };

  // The process, as the cells see it.

  for (const [which, fd] of [['stdout', 1], ['stderr', 2]]) {
    const keep = (value) => defineProperty(process, which, { configurable: true, enumerable: true, writable: true, value });
    const get = () => {
      const output = new (require('./kernel-output.cjs').Output)(fd);
      keep(output);
      return output;
    };
    defineProperty(process, which, { configurable: true, enumerable: true, get, set: keep });
  }

  let stdin = null;

  /** A stream of its own for each cell. It has a descriptor of its own, which may be non-blocking. */
  const openStdin = () => {
    let file;
    try {
      file = openSync('/proc/self/fd/0', fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
      stdin = new (require('node:net').Socket)({ fd: file, readable: true, writable: false, manualStart: true });
    } catch {
      if (file !== undefined) closeSync(file);
      stdin = fs.createReadStream(null, { fd: 0, autoClose: false });
    }
    stdin.fd = 0;
    return stdin;
  };

  const closeStdin = () => {
    stdin?.destroy();
    stdin = null;
  };

  defineProperty(process, 'stdin', { configurable: true, enumerable: true, get: () => stdin ?? openStdin() });

  const exit = (code = process.exitCode) => {
    if (cell !== null && !cell.isOver) {
      cell.exit = Number(code ?? 0) & 0xff;
      finish();
    }
    throw new Exit();
  };
  process.exit = exit;
  process.reallyExit = exit;

  // Node.js 20 warns of what makes import() work in cells.
  const { emitWarning } = process;
  process.emitWarning = (...words) => {
    if (!String(words[0]).startsWith('vm.USE_MAIN_CONTEXT_DEFAULT_LOADER')) apply(emitWarning, process, words);
  };

  process.setUncaughtExceptionCaptureCallback((error) => {
    if (error instanceof Exit) return;
    if (apply(listenerCount, process, ['uncaughtException']) > 0) apply(emit, process, ['uncaughtException', error, 'uncaughtException']);
    else tell(asError(error));
  });

  setInterval(() => {
    if (cell === null || cell.isOver) return;
    if (hasInterrupt()) {
      if (apply(listenerCount, process, ['SIGINT']) > 0) {
        forgetInterrupts();
        apply(emit, process, ['SIGINT', 'SIGINT', 2]);
        return;
      }
      fail(new Interrupted());
      finish();
    } else if (watcher === null) {
      startWatcher();
    }
  }, POLL_MS);

  const main = path.join(process.cwd(), 'main.js');
  const module = new Module(main);
  module.filename = main;
  module.paths = Module._nodeModulePaths(path.dirname(main));
  process.argv.splice(1, 1, main);
  process.mainModule = module;
  const globals = { require: createRequire(main), module, exports: module.exports, __filename: main, __dirname: path.dirname(main), display };
  globals.require.main = module;
  for (const [each, value] of Object.entries(globals))
    defineProperty(globalThis, each, { value, writable: true, enumerable: false, configurable: true });

  // The channel. The process stands still between cells, so nothing else has to run while this waits.

  const take = (size) => {
    const bytes = allocUnsafe(size);
    for (let at = 0; at < size;) {
      try {
        const read = readSync(channel, bytes, at, size - at);
        if (read === 0) return null;
        at += read;
      } catch (error) {
        if (error.code !== 'EINTR') return null;
      }
    }
    return bytes;
  };

  const next = () => {
    const head = take(8);
    const size = head === null ? 0 : number(head, 4);
    if (head === null || head[0] !== RUN || size < 16 || size > CODE_MAX) return leave();
    const body = take(size);
    if (body === null) return leave();
    const [id, resultMax, totalMax, length] = [0, 4, 8, 12].map((at) => number(body, at));
    count++;
    cell = {
      number: id, resultMax, left: totalMax - min(RESERVE, totalMax >> 2), bundles: 0,
      queue: [], isCounted: false, isFull: false, hasError: false, isOver: false, exit: null,
    };
    const filename = `${text(part(body, 16, 16 + length))}[${count}]`;
    const source = text(part(body, 16 + length)).replace(/^\uFEFF/, '');
    sources.add(filename, source);
    forgetInterrupts();
    store(watched, IS_RUNNING, 1);
    return run(source, filename);
  };

  watch.startSigintWatchdog();
  soon(next);
};

drive();
