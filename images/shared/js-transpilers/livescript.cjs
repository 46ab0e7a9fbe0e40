'use strict';

const LiveScript = require('/node_modules/livescript/lib/index.js');
const { compileFiles, enterFolder, inlineMap, isWaiting, refuse } = require('./modules.cjs');

const compileFile = (source, filename) => {
  try {
    const { code, map } = LiveScript.compile(source, { filename, bare: true, header: false, map: 'linked', outputFilename: filename });
    return code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '') + inlineMap({ ...map.toJSON(), sources: [filename], sourcesContent: [source] });
  } catch (error) {
    if (error instanceof SyntaxError) refuse(`${filename}: ${error.message.replace(/\nat .*/, '')}`);
    throw error;
  }
};

// The compiler's own code is compiled at its first use: a waiting cell does that before the program comes.
const SAMPLE = String.raw`{ a, b } = require 'c'
f = (x, ...rest) -> x + 1
class A extends B
  (@x) ->
  g: -> "#{@x} #that"
for n in [1 to 3] when n % 2 then console.log n
[1 to 9] |> map (* 2) |> console.log
if a? then b else c: 1, d: [1, 2]
`;
if (isWaiting()) compileFile(SAMPLE, '/sample.ls');

compileFiles('.ls', compileFile);
enterFolder();
