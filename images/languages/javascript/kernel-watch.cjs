// A thread of the kernel that sees interrupts while the main thread is busy with what comes after an `await`, where no
// script of the main thread has a watchdog. It tells the main thread, and if that is too busy to hear, ends what runs
// there.
'use strict';

const { readFileSync } = require('node:fs');
const { Session } = require('node:inspector');
const vm = require('node:vm');
const { workerData } = require('node:worker_threads');

const LOOK_MS = 50;
const BUSY_TICKS = 15; // processor time without a turn of the event loop, of 10 ms each
const LATE_MS = 1000; // the agent waits twice as long
const [NEVER, HAS_COME, IS_RUNNING] = [0, 1, 2];

const words = new Int32Array(workerData);
const waiting = Symbol.for('codecell.wait');
const script = new vm.Script('this[Symbol.for("codecell.wait")]');
Object.defineProperty(globalThis, waiting, { get: () => Atomics.wait(words, NEVER, 0) });
const session = new Session();
session.connectToMainThread();

const { watchdogHasPendingSigint } = process.binding('contextify');

/** The processor time of the main thread, in ticks. */
const ticks = () => {
  const fields = readFileSync(`/proc/self/task/${process.pid}/stat`, 'latin1').replace(/^.*\) /, '').split(' ');
  return Number(fields[11]) + Number(fields[12]);
};

/** Waits until the main thread has heard of the interrupt, or seems to be too busy for it. */
const isDeaf = () => {
  const [begin, late] = [ticks(), Date.now() + LATE_MS];
  while (Atomics.wait(words, HAS_COME, 1, LOOK_MS) === 'timed-out')
    if (ticks() - begin >= BUSY_TICKS || Date.now() > late) return true;
  return false;
};

for (;;) {
  try {
    if (!watchdogHasPendingSigint()) script.runInThisContext({ breakOnSigint: true });
  } catch {
    // An interrupt.
  }
  Atomics.store(words, HAS_COME, 1);
  if (isDeaf() && Atomics.load(words, IS_RUNNING) === 1) {
    session.post('Runtime.terminateExecution');
    Atomics.wait(words, HAS_COME, 1, LATE_MS);
  }
}
