// What TypeScript's users have in modules although Node.js has it in CommonJS alone: require() and its like, and data
// without attributes.
'use strict';

const { fileURLToPath, pathToFileURL } = require('node:url');

const SCHEME = 'codecell-commonjs:';
const NAMES = ['require', '__filename', '__dirname', 'module'];
const USED = /(?<![\w$.])(require(?=\s*[.(])|__filename\b|__dirname\b|module(?=\.|\s*[)=]=?))(?!\s*:)/g;

const declares = (code, name) =>
  new RegExp(`\\b(const|let|var|function|class|as)\\s+${name}\\b|^import\\b[^;]*[{,\\s]${name}[},\\s][^;]*\\bfrom\\b`, 'm').test(code);

/**
 * What a module that uses the names of CommonJS needs at its end: imports come first wherever they are written.
 * @param {string} code JavaScript
 * @param {string} path
 */
exports.commonjsNames = (code, path) => {
  if (!/^(import|export)\b|\bawait\b|\bimport\.meta\b/m.test(code)) return '';
  const used = new Set(Array.from(code.matchAll(USED), ([name]) => name));
  const names = NAMES.filter((name) => used.has(name) && !declares(code, name));
  return names.length > 0 ? `\nimport { ${names.join(', ')} } from ${JSON.stringify(SCHEME + pathToFileURL(path))};` : '';
};

exports.isNames = (url) => url.startsWith(SCHEME);

exports.namesModule = (url) => `import { createRequire, Module } from 'node:module';
export const __filename = ${JSON.stringify(fileURLToPath(url.slice(SCHEME.length)))};
export const require = createRequire(__filename);
export const module = new Module(__filename);
export const __dirname = module.path;
module.filename = __filename;
if (process.argv[1] === __filename) require.main = module;
`;

/** A module of JSON: the whole as its default, and each member by its name. */
exports.jsonModule = (text) => {
  const value = JSON.parse(text.replace(/^\uFEFF/, ''));
  const members = Object.keys(Object(value)).filter((name) => name !== 'default' && !Array.isArray(value));
  const lines = members.map((name, i) => `const _${i} = value[${JSON.stringify(name)}];\nexport { _${i} as ${JSON.stringify(name)} };\n`);
  return `const value = JSON.parse(${JSON.stringify(JSON.stringify(value))});\nexport default value;\n${lines.join('')}`;
};
