'use strict';

const { compile } = require('/node_modules/@danielx/civet');
const { compileFiles, enterFolder, isWaiting, refuse } = require('./modules.cjs');

const compileFile = (source, filename) => {
  try {
    return compile(source, { filename, js: true, sync: true, inlineMap: true });
  } catch (error) {
    if (error.name === 'ParseError') refuse(error.message.replace(/Expected:\n[^]*\nFound:/, 'Found:'));
    throw error;
  }
};

// The compiler's own code is compiled at its first use: a waiting cell does that before the program comes.
const SAMPLE = String.raw`{ a } from b
f := (x: number, ...rest: string[]) => x + 1
class A < B
  @(@x: number)
  g(): string
    @x + "a"
for n of [1..3]
  console.log n if n % 2
[1..9] |> .map &*2 |> console.log
if a? then b else c: 1, d: [1, 2]
`;
if (isWaiting()) compileFile(SAMPLE, '/sample.civet');

compileFiles('.civet', compileFile);
enterFolder();
