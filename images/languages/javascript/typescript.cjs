// Loaded before a TypeScript program (images/typescript, images/typescript-checked): compiles its files when they are
// loaded.
'use strict';

const { readFileSync } = require('node:fs');
const { registerHooks } = require('node:module');
const { dirname, join } = require('node:path');
const { fileURLToPath } = require('node:url');
const { commonjsNames, isNames, jsonModule, namesModule } = require('./interop.cjs');
const { enterFolder, isModule, isWaiting, refuse, tryEndings } = require('./modules.cjs');
const { SourceError, compile, parse } = require('./swc.cjs');
const { settings, USUAL } = require('./tsconfig.cjs');
const { valuesReader, withoutTypes } = require('./values.cjs');

// The compiler is read from the disk at its first use: a waiting cell does that before the program comes. Without
// decorators, because for those swc starts a thread that stays, and a program would see it.
const SAMPLE = `import { a, type B } from './b';
enum Level { Low, High = 'high' }
namespace Names { export const all = { ...a, list: [1, 2] satisfies number[] }; }
abstract class Base<T> { constructor(private x: T, public y = 1) {} area(): number { return this.y as number; } }
export const f = async <T,>(g: (t: T) => Promise<T>, ...rest: T[]): Promise<T | undefined> => g(rest[0]!);
`;
if (isWaiting()) compile(SAMPLE, '/sample.ts', { module: 'nodenext', transform: USUAL });

const TYPESCRIPT = /\.([cm]?ts|tsx)$/;
const MAY_EXPORT_TYPES = /\bexport\s*\{|\bexport\s+default\s+[\w$]+\s*(;|$)/m;
const EXPORTS_AS_COMMONJS = /\bexport\s*=[^=>]|\bmodule\.exports\b|(?<![\w$.])exports\.[\w$]+\s*=[^=]/;

const types = new Map();

/** The `type` in the package.json of a folder or the next above it. */
const typeOf = (folder) => {
  if (types.has(folder)) return types.get(folder);
  let type;
  try {
    ({ type } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  } catch {
    type = folder === dirname(folder) ? undefined : typeOf(dirname(folder));
  }
  types.set(folder, type);
  return type;
};

/** 'module' or 'commonjs', if the file's ending or its package.json says so; else the syntax decides. */
const kindOf = (path) => {
  if (path.endsWith('.mts')) return 'module';
  if (path.endsWith('.cts')) return 'commonjs';
  return typeOf(dirname(path));
};

/** The source, or its tree without the names that stand for types alone. */
const withValues = (source, path) => {
  const { decoratorMetadata, verbatimModuleSyntax } = settings();
  if (verbatimModuleSyntax || !(decoratorMetadata || MAY_EXPORT_TYPES.test(source))) return source;
  const isValue = (module, name) => valuesOf(module, path).has(name);
  return withoutTypes(parse(source, 'typescript', path), isValue, decoratorMetadata);
};

const asCommonjs = (source, path) => compile(source, path, { module: 'commonjs', transform: settings() });

const compileSource = (source, path) => {
  const kind = kindOf(path);
  if (kind === 'commonjs') return { format: 'commonjs', source: asCommonjs(source, path) };
  // tsc's programs have the syntax of modules and are CommonJS, unless tsc is told otherwise.
  if (kind !== 'module' && EXPORTS_AS_COMMONJS.test(source)) {
    const code = asCommonjs(source, path);
    if (!isModule(code)) return { format: 'commonjs', source: code };
  }
  const how = { module: 'nodenext', transform: settings(), end: (code) => commonjsNames(code, path) };
  const code = compile(withValues(source, path), path, how);
  return { format: kind === 'module' || isModule(code) ? 'module' : 'commonjs', source: code };
};

const compileFile = (path) => {
  try {
    return compileSource(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''), path);
  } catch (error) {
    if (error instanceof SourceError) refuse(error.message);
    throw error;
  }
};

// Files that were looked into before they are loaded.
const early = new Map();

const valuesOf = valuesReader((path) => {
  if (!TYPESCRIPT.test(path)) return undefined;
  if (!early.has(path)) early.set(path, compileFile(path));
  return early.get(path);
});

const made = (source) => ({ format: 'module', source, shortCircuit: true });

const load = (url, context, next) => {
  if (isNames(url)) return made(namesModule(url));
  if (!url.startsWith('file:')) return next(url, context);
  const path = fileURLToPath(url);
  if (context.format === 'json' && context.conditions.includes('import') && !context.importAttributes?.type)
    return made(jsonModule(readFileSync(path, 'utf8')));
  if (!TYPESCRIPT.test(path)) return next(url, context);
  const compiled = early.get(path) ?? compileFile(path);
  early.delete(path);
  return { ...compiled, shortCircuit: true };
};

const resolve = (specifier, context, next) =>
  isNames(specifier) ? { url: specifier, format: 'module', shortCircuit: true } : next(specifier, context);

// Programs written for tsc name a module as './part' or './part.js' where the file is part.ts.
tryEndings([
  [/(?<!(^|\/)\.{0,2}|\.[cm]?[jt]sx?)$/, '.ts'],
  [/(?<!(^|\/)\.{0,2}|\.[cm]?[jt]sx?)$/, '.tsx'],
  [/(?<!\.[cm]?[jt]sx?)\/?$/, '/index.ts'],
  [/\.js$/, '.ts'],
  [/\.jsx?$/, '.tsx'],
  [/\.mjs$/, '.mts'],
  [/\.cjs$/, '.cts'],
]);
registerHooks({ load, resolve });
enterFolder();
