'use strict';

const CoffeeScript = require('/node_modules/coffeescript');
const { compileFiles, inlineMap, refuse } = require('./modules.cjs');

compileFiles('.coffee', (source, filename) => {
  try {
    const { js, v3SourceMap } = CoffeeScript.compile(source, { filename, bare: true, sourceMap: true });
    const map = { ...JSON.parse(v3SourceMap), sources: [filename], sourcesContent: [source] };
    return js + inlineMap(map);
  } catch (error) {
    if (error.location) refuse(error.toString());
    throw error;
  }
});
