// stdout and stderr of the kernel's cells. They write at once, and keep nothing that an interrupt could break.
'use strict';

const { writeSync } = require('node:fs');
const { Writable } = require('node:stream');

const { from } = Buffer;
const { wait } = Atomics;
const nobody = new Int32Array(new SharedArrayBuffer(4));
const PAUSE_MS = 1;

exports.Output = class Output extends Writable {
  constructor(fd) {
    super({ decodeStrings: false });
    this.fd = fd;
  }

  write(chunk, encoding, done) {
    const bytes = typeof chunk === 'string' ? from(chunk, typeof encoding === 'string' ? encoding : 'utf8') : chunk;
    for (let at = 0; at < bytes.length;) {
      try {
        at += writeSync(this.fd, bytes, at);
      } catch (error) {
        if (error.code === 'EAGAIN') wait(nobody, 0, 0, PAUSE_MS); // a program that shares the pipe does not let it block
        else if (error.code !== 'EINTR') throw error;
      }
    }
    const after = typeof encoding === 'function' ? encoding : done;
    if (typeof after === 'function') process.nextTick(after);
    return true;
  }

  end(chunk, encoding, done) {
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') this.write(chunk, encoding);
    const after = [chunk, encoding, done].find((each) => typeof each === 'function');
    if (after !== undefined) process.nextTick(after);
    return this;
  }

  _destroy(error, done) {
    done(error);
  }
};
