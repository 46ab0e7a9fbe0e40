'use strict';

const CoffeeScript = require('/node_modules/coffeescript');
const { compileFiles, enterFolder, inlineMap, isWaiting, refuse } = require('./modules.cjs');

const compileFile = (source, filename) => {
  try {
    const { js, v3SourceMap } = CoffeeScript.compile(source, { filename, bare: true, sourceMap: true });
    const map = { ...JSON.parse(v3SourceMap), sources: [filename], sourcesContent: [source] };
    return js + inlineMap(map);
  } catch (error) {
    if (error.location) refuse(error.toString());
    throw error;
  }
};

// The compiler's own code is compiled at its first use: a waiting cell does that before the program comes.
const SAMPLE = String.raw`a = (b, rest...) -> b + 1
class A
  constructor: (@x) ->
  f: -> "#{@x} #{a 1}"
console.log n for n in [1..3] when n % 2
try {c, d} = require "e" catch error then throw error
if a? then b else {c: 1, d: [1, 2]}
`;
if (isWaiting()) compileFile(SAMPLE, '/sample.coffee');

compileFiles('.coffee', compileFile);
enterFolder();
