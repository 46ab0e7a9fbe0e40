'use strict';

const LiveScript = require('/node_modules/livescript/lib/index.js');
const { compileFiles, inlineMap, refuse } = require('./modules.cjs');

compileFiles('.ls', (source, filename) => {
  try {
    const { code, map } = LiveScript.compile(source, { filename, bare: true, header: false, map: 'linked', outputFilename: filename });
    return code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '') + inlineMap({ ...map.toJSON(), sources: [filename], sourcesContent: [source] });
  } catch (error) {
    if (error instanceof SyntaxError) refuse(`${filename}: ${error.message.replace(/\nat .*/, '')}`);
    throw error;
  }
});
