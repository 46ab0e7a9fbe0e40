// Names that stand for types alone. A compiler of one file knows how the file uses a name, not what the name is: in
// `export { Shape } from './shape'` only the other file tells. So there, and for the types in the metadata of
// decorators, the other file is looked into.
'use strict';

const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { parse } = require('./swc.cjs');

const EVERYTHING = { has: () => true };

/** The names that a pattern binds: `{ a, b: [c] }`. */
const bound = (pattern) => {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern.value];
    case 'ObjectPattern':
      return pattern.properties.flatMap((each) => bound(each.key && each.type === 'AssignmentPatternProperty' ? each.key : each.value ?? each.argument));
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

const named = ({ type, name, orig, exported }) => (type === 'ExportNamespaceSpecifier' ? name : exported ?? orig).value;

/** The names that a statement of a module in JavaScript exports; of `export *` those of the other file. */
const exportedBy = (statement, valuesFrom) => {
  switch (statement.type) {
    case 'ExportDeclaration': {
      const { identifier, declarations } = statement.declaration;
      return declarations ? declarations.flatMap(({ id }) => bound(id)) : [identifier.value];
    }
    case 'ExportNamedDeclaration':
      return statement.specifiers.map(named);
    case 'ExportDefaultDeclaration':
    case 'ExportDefaultExpression':
      return ['default'];
    case 'ExportAllDeclaration':
      return valuesFrom(statement.source.value);
    default:
      return [];
  }
};

/** What a module has, by its syntax; everything, where that does not say. */
const valuesOfModule = (code, path, valuesFrom) => {
  const lists = parse(code, 'ecmascript', path).program.body.map((each) => exportedBy(each, valuesFrom));
  return lists.every(Array.isArray) ? new Set(lists.flat()) : EVERYTHING;
};

/**
 * Makes the function that tells what a module has.
 * @param {(path: string) => { format: string, source: string } | undefined} compiled a file of TypeScript, compiled
 */
exports.valuesReader = (compiled) => {
  const known = new Map();

  const ofFile = (path) => {
    const file = compiled(path) ?? { format: 'module', source: readFileSync(path, 'utf8') };
    if (file.format !== 'module' || !/\bexport\b/.test(file.source)) return EVERYTHING;
    return valuesOfModule(file.source, path, (name) => {
      const values = valuesFrom(name, path);
      return values instanceof Set ? [...values].filter((each) => each !== 'default') : values;
    });
  };

  const ofPackage = (name, require) => {
    const value = require(name);
    return { has: (member) => member === 'default' || member in Object(value) };
  };

  const read = (name, from) => {
    const require = createRequire(from);
    const path = require.resolve(name);
    if (!/^\.{0,2}\//.test(name)) return ofPackage(name, require);
    if (!known.has(path)) {
      known.set(path, EVERYTHING); // for files that export from each other
      known.set(path, ofFile(path));
    }
    return known.get(path);
  };

  const valuesFrom = (name, from) => {
    try {
      return read(name, from);
    } catch {
      return EVERYTHING; // what is wrong is said when it is loaded
    }
  };

  return valuesFrom;
};

/** Where each imported name is from: [module, its name there]. */
const importedNames = (body) => {
  const names = new Map();
  for (const { type, specifiers, source } of body) {
    if (type !== 'ImportDeclaration') continue;
    for (const { type: kind, local, imported } of specifiers) {
      if (kind === 'ImportDefaultSpecifier') names.set(local.value, [source.value, 'default']);
      if (kind === 'ImportSpecifier') names.set(local.value, [source.value, (imported ?? local).value]);
    }
  }
  return names;
};

/**
 * Takes types out of what a file exports, and with `imports` out of what it imports.
 * @param {object} tree of TypeScript; changed
 * @param {(module: string, name: string) => boolean} isValue
 * @param {boolean} imports
 */
exports.withoutTypes = (tree, isValue, imports) => {
  const { program } = tree;
  const names = importedNames(program.body);
  const isType = (local) => names.has(local) && !isValue(...names.get(local));

  program.body = program.body.filter((each) => each.type !== 'ExportDefaultExpression' || !isType(each.expression.value));
  for (const each of program.body) {
    if (each.type === 'ExportNamedDeclaration')
      for (const specifier of each.specifiers)
        if (specifier.orig && (each.source ? !isValue(each.source.value, specifier.orig.value) : isType(specifier.orig.value)))
          specifier.isTypeOnly = true;
    if (each.type === 'ImportDeclaration' && imports && each.specifiers.length > 0) {
      each.specifiers = each.specifiers.filter(({ local }) => !isType(local.value));
      each.typeOnly ||= each.specifiers.length === 0;
    }
  }
  return tree;
};
