// What the program's own tsconfig.json says of how its files are to be compiled.
'use strict';

const { readFileSync } = require('node:fs');
const { dirname, resolve } = require('node:path');

const EXTENDS_MAX = 8;
const STRING_OR_COMMENT = /("(?:[^"\\]|\\.)*")|\/\/.*|\/\*[^]*?\*\//g;
const STRING_OR_COMMA = /("(?:[^"\\]|\\.)*")|,(?=\s*[\]}])/g;

/** JSON with comments, and with commas at the end of lists. */
const parse = (text) =>
  JSON.parse(text.replace(/^\uFEFF/, '').replace(STRING_OR_COMMENT, '$1').replace(STRING_OR_COMMA, '$1'));

/** The compilerOptions of a file over those that it extends. A file that cannot be read has none. */
const optionsOf = (path, left = EXTENDS_MAX) => {
  let config;
  try {
    config = parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
  const below = [config?.extends ?? []].flat().filter((name) => left > 0 && typeof name === 'string' && /^[./]/.test(name));
  const inherited = below.map((name) => optionsOf(resolve(dirname(path), name.replace(/(\.json)?$/, '.json')), left - 1));
  return Object.assign({}, ...inherited, config?.compilerOptions);
};

// Before ES2022 a class had no fields of its own: tsc assigned them in the constructor.
const HAS_NO_FIELDS = /^es(3|5|6|20(1\d|2[01]))$/i;

const definesFields = ({ useDefineForClassFields, target, experimentalDecorators }) =>
  useDefineForClassFields ?? (target ? !HAS_NO_FIELDS.test(target) : !experimentalDecorators);

/** swc's options for them. */
const transformFor = (options) => ({
  legacyDecorator: options.experimentalDecorators === true,
  decoratorMetadata: options.emitDecoratorMetadata === true,
  decoratorVersion: options.experimentalDecorators === true ? undefined : '2023-11',
  useDefineForClassFields: definesFields(options),
  verbatimModuleSyntax: options.verbatimModuleSyntax === true,
  react: {
    runtime: /^react-jsx/.test(options.jsx) ? 'automatic' : 'classic',
    pragma: options.jsxFactory,
    pragmaFrag: options.jsxFragmentFactory,
    importSource: options.jsxImportSource,
  },
});

let settings;

/** Those of the tsconfig.json beside the program; read once. */
exports.settings = () => (settings ??= transformFor(optionsOf(resolve(dirname(process.argv[1] ?? '.'), 'tsconfig.json'))));

/** Those of a program without one. */
exports.USUAL = transformFor({});
