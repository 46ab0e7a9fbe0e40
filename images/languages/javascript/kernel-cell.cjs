// Makes a script of a cell. A cell is like a module whose names stay: `await` works at its top level, `import` too, and
// its last expression is its value. What a cell declares becomes a global variable, so the next cells have it and may
// declare it again.
'use strict';

const { readFileSync, writeFileSync } = require('node:fs');
const { pathToFileURL } = require('node:url');
const path = require('node:path');
const vm = require('node:vm');

const SOURCES_MAX = 1000;
const FUNCTION = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/;
const NEEDS_ASYNC = /^(await is only valid|Unexpected reserved word|missing \) after argument list|Unexpected identifier)/;
const NEEDS_MODULE = /^(Cannot use import statement|Unexpected token 'export'|Cannot use 'import\.meta')/;

// The parser is compiled when the image is built, which halves the time of a kernel's first cell.
const ACORN = path.join(__dirname, 'acorn.cjs');
const COMPILED = path.join(__dirname, 'acorn.compiled');

const acornScript = (cachedData) =>
  new vm.Script(`(function (exports, module) {${readFileSync(ACORN, 'utf8')}\n})`, { filename: ACORN, cachedData });

const loaded = (script) => {
  const module = { exports: {} };
  script.runInThisContext()(module.exports, module);
  return module.exports;
};

const loadAcorn = () => {
  let cachedData;
  try {
    cachedData = readFileSync(COMPILED);
  } catch {
    // It was not compiled.
  }
  return loaded(acornScript(cachedData));
};

let acorn;
const parse = (source) => {
  acorn ??= loadAcorn();
  return acorn.parse(source, {
    ecmaVersion: 'latest', sourceType: 'script', allowHashBang: true, allowAwaitOutsideFunction: true,
    allowImportExportEverywhere: true,
  }).body;
};

/** Calls `visit(node, parent)` for each node; it returns false if what is in the node should be left out. */
const walk = (node, visit, parent = null) => {
  if (visit(node, parent) === false) return;
  for (const key in node) {
    const value = node[key];
    if (Array.isArray(value)) {
      for (const each of value) if (typeof each?.type === 'string') walk(each, visit, node);
    } else if (typeof value?.type === 'string') {
      walk(value, visit, node);
    }
  }
};

/** The names that a pattern binds. */
const bound = (pattern) => {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern.name];
    case 'ObjectPattern':
      return pattern.properties.flatMap((each) => bound(each.type === 'RestElement' ? each.argument : each.value));
    case 'ArrayPattern':
      return pattern.elements.flatMap(bound);
    case 'AssignmentPattern':
      return bound(pattern.left);
    case 'RestElement':
      return bound(pattern.argument);
    default:
      return [];
  }
};

const blank = (text) => text.replace(/[^\r\n]/g, ' ');

/** The changes to a cell's source. */
class Changes {
  constructor(source) {
    this.source = source;
    this.list = [];
  }

  replace(start, end, text) {
    this.list.push({ start, end, text });
  }

  blank(start, end) {
    this.replace(start, end, blank(this.source.slice(start, end)));
  }

  apply() {
    let at = 0;
    let text = '';
    for (const each of this.list.map((change, i) => ({ ...change, i })).sort((a, b) => a.start - b.start || a.i - b.i)) {
      text += this.source.slice(at, each.start) + each.text;
      at = Math.max(at, each.end);
    }
    return text + this.source.slice(at);
  }
}

const usesAwait = (body) => {
  let found = false;
  for (const statement of body)
    walk(statement, (node) => {
      found ||= node.type === 'AwaitExpression' || (node.type === 'ForOfStatement' && node.await);
      return !found && !FUNCTION.test(node.type);
    });
  return found;
};

const importOf = ({ specifiers, source, attributes }) => ({
  specifier: source.value,
  names: specifiers.map(({ type, local, imported }) => {
    if (type === 'ImportDefaultSpecifier') return [local.name, 'default'];
    return [local.name, type === 'ImportNamespaceSpecifier' ? '*' : imported.name ?? imported.value];
  }),
  options: attributes?.length ? { with: Object.fromEntries(attributes.map(({ key, value }) => [key.name ?? key.value, value.value])) } : undefined,
});

/** Takes `import` and `export` away. Returns the statements that are left. */
const withoutModules = (body, changes, imports) =>
  body.flatMap((statement) => {
    const { type, start, end, declaration } = statement;
    if (type === 'ImportDeclaration') {
      imports.push(importOf(statement));
      changes.blank(start, end);
      return [];
    }
    if (!/^Export(Named|Default|All)Declaration$/.test(type)) return [statement];
    if (!declaration) {
      changes.blank(start, end);
      return [];
    }
    changes.blank(start, declaration.start);
    if (type === 'ExportNamedDeclaration' || (/Declaration$/.test(declaration.type) && declaration.id)) return [declaration];
    changes.replace(declaration.start, declaration.start, '(');
    changes.replace(declaration.end, declaration.end, ')');
    return [];
  });

/** A declaration in a script: `var` in place of `const` and `let`. */
const asVar = ({ kind, start, declarations }, changes) => {
  if (kind === 'var') return;
  changes.replace(start, start + kind.length, 'var'.padEnd(kind.length));
  for (const { id, init } of declarations) if (!init) changes.replace(id.end, id.end, '=void 0');
};

/** A declaration in a function: an assignment to the global variables. */
const asAssignment = ({ kind, start, declarations }, changes, parent) => {
  const isLoop = /^For/.test(parent?.type) && parent.body?.start !== start;
  if (isLoop) return changes.replace(start, start + kind.length, ' '.repeat(kind.length));
  const isFree = parent === null || /^(BlockStatement|SwitchCase|StaticBlock)$/.test(parent.type);
  changes.replace(start, start + kind.length, (isFree ? ';(' : '(').padEnd(kind.length));
  for (const { id, init } of declarations) if (!init && kind !== 'var') changes.replace(id.end, id.end, '=void 0');
  const last = declarations.at(-1);
  return changes.replace(last.end, last.end, ')');
};

const namesOf = (statement) => {
  if (statement.type === 'VariableDeclaration') return statement.declarations.flatMap(({ id }) => bound(id));
  return /^(Class|Function)Declaration$/.test(statement.type) ? [statement.id.name] : [];
};

const asScript = (body, changes) => {
  for (const statement of body) {
    if (statement.type === 'VariableDeclaration') asVar(statement, changes);
    if (statement.type === 'ClassDeclaration') {
      changes.replace(statement.start, statement.start, `var ${statement.id.name}=`);
      changes.replace(statement.end, statement.end, ';');
    }
  }
};

/** Changes what a script that awaits is to do in an async function. Returns the names of the functions in it. */
const asAsync = (body, changes, names) => {
  const functions = [];
  for (const statement of body) {
    if (statement.type === 'FunctionDeclaration') functions.push(statement.id.name);
    if (statement.type === 'ClassDeclaration') {
      changes.replace(statement.start, statement.start, `;${statement.id.name}=`);
      changes.replace(statement.end, statement.end, ';');
    }
    walk(statement, (node, parent) => {
      if (node.type === 'VariableDeclaration' && (node.kind === 'var' || parent === null)) {
        asAssignment(node, changes, parent);
        if (parent !== null) names.push(...node.declarations.flatMap(({ id }) => bound(id)));
      }
      return !FUNCTION.test(node.type);
    });
  }
  const last = body.at(-1);
  if (last?.type === 'ExpressionStatement') {
    const end = changes.source[last.end - 1] === ';' ? last.end - 1 : last.end;
    changes.replace(last.start, last.start, 'return (');
    changes.replace(end, end, ')');
  }
  return functions;
};

const script = (code, filename, lineOffset = 0) =>
  new vm.Script(code, { filename, lineOffset, importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER });

const replaceImportMeta = (body, changes, file) => {
  const meta = JSON.stringify({ dirname: path.dirname(file), filename: file, url: pathToFileURL(file).href });
  for (const statement of body)
    walk(statement, (node) => {
      if (node.type === 'MetaProperty' && node.meta.name === 'import') changes.replace(node.start, node.end, `(${meta})`);
    });
};

/** What Node.js says of a source that acorn cannot read. If Node.js can, the script. */
const unread = (source, filename, problem) => {
  let other;
  try {
    return { script: script(source, filename), imports: [], names: [], hasValue: true };
  } catch (error) {
    other = error;
  }
  if (!NEEDS_ASYNC.test(other.message) && !NEEDS_MODULE.test(other.message)) throw other;
  try {
    script(`(async()=>{\n${source}\n})()`, filename, -1);
  } catch (error) {
    if (!NEEDS_MODULE.test(error.message)) throw error;
  }
  const { line, column } = problem.loc ?? { line: 1, column: 0 };
  const error = new SyntaxError(problem.message.replace(/ \(\d+:\d+\)$/, ''));
  const text = source.split('\n')[line - 1] ?? '';
  error.stack = `${filename}:${line}\n${text}\n${' '.repeat(column)}^\n\nSyntaxError: ${error.message}`;
  throw error;
};

/**
 * @param {string} source of a cell
 * @param {string} filename the name in its stacks
 * @param {string} file what `import.meta` names
 * @returns {{ script: vm.Script, imports: object[], names: string[], hasValue: boolean }} the script; what must be
 * imported before it; the names that the cell declares; whether the script's value is the cell's
 */
exports.translate = (source, filename, file) => {
  let program;
  try {
    program = parse(source);
  } catch (problem) {
    return unread(source, filename, problem);
  }
  const changes = new Changes(source);
  const imports = [];
  if (/\bimport\s*\.\s*meta\b/.test(source)) replaceImportMeta(program, changes, file);
  const body = withoutModules(program, changes, imports);
  const names = body.flatMap(namesOf);
  const hasValue = body.at(-1)?.type === 'ExpressionStatement';
  const imported = imports.flatMap(({ names: pairs }) => pairs.map(([local]) => local));
  if (!usesAwait(body)) {
    asScript(body, changes);
    return { script: script(changes.apply(), filename), imports, names: [...names, ...imported], hasValue };
  }
  const functions = asAsync(body, changes, names);
  const globals = names.length > 0 ? `var ${[...new Set(names)].join(',')};` : '';
  const first = functions.map((name) => `globalThis.${name}=${name};`).join('');
  const code = `${globals}(async()=>{${first}\n${changes.apply()}\n})()`;
  return { script: script(code, filename, -1), imports, names: [...names, ...imported], hasValue };
};

// What most cells have: its functions are compiled with the parser.
const SAMPLE = `import a, { b as c } from 'd'
const { e, ...f } = await g(\`h \${1}\`), [i = 2] = []
class J extends K { #l = 1; static async m() { for (const n of this) try { n?.o[0](...p) } catch { throw new Q('r') } } }
function *s(t, u = /v/g) { if (t && !u || 1 <= 2) yield { t, w: (x) => x ?? 'y' }; else return; }
let z = 0; while (z++ < 3) switch (z) { case 1: break; default: continue }
console.log(z)`;

/** Compiles the parser for the kernels to come. */
exports.keepCompiled = () => {
  const script = acornScript();
  acorn = loaded(script);
  parse(SAMPLE);
  writeFileSync(COMPILED, script.createCachedData());
};

/** The sources of the last cells. */
exports.SourceOfCell = class {
  #known = new Map();

  add(filename, source) {
    this.#known.set(filename, source);
    if (this.#known.size > SOURCES_MAX) this.#known.delete(this.#known.keys().next().value);
  }

  /** The line of an error as Node.js shows it above the stack; empty if it is in no cell. */
  place(stack) {
    for (const [, filename, line, column] of String(stack).matchAll(/^\s+at (?:.*\()?([^\n()]*\[\d+\]):(\d+):(\d+)\)?$/gm)) {
      const text = this.#known.get(filename)?.split('\n')[line - 1];
      if (text !== undefined) return `${filename}:${line}\n${text}\n${text.slice(0, column - 1).replace(/[^\t]/g, ' ')}^\n\n`;
    }
    return '';
  }
};
