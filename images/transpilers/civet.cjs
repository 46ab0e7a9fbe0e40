'use strict';

const { compile } = require('/node_modules/@danielx/civet');
const { compileFiles, refuse } = require('./modules.cjs');

compileFiles('.civet', (source, filename) => {
  try {
    return compile(source, { filename, js: true, sync: true, inlineMap: true });
  } catch (error) {
    if (error.name === 'ParseError') refuse(error.message.replace(/Expected:\n[^]*\nFound:/, 'Found:'));
    throw error;
  }
});
