// Modules of a language that Node.js does not know, or that are named without their ending.
'use strict';

const { existsSync, readFileSync } = require('node:fs');
const { registerHooks } = require('node:module');
const { dirname } = require('node:path');
const { fileURLToPath } = require('node:url');
const { compileFunction } = require('node:vm');
const { isMainThread } = require('node:worker_threads');

const NOT_FOUND = new Set(['ERR_MODULE_NOT_FOUND', 'ERR_UNSUPPORTED_DIR_IMPORT', 'MODULE_NOT_FOUND']);
const A_PATH = /^(\.{0,2}\/|\.{1,2}$|file:)/;
const OF_A_MODULE = /\b(import|export|await)\b/;

/**
 * Where a file is not found by its name, other endings are tried.
 * @param {[RegExp, string][]} endings what in a name to replace, and by what; in the order of trying
 */
exports.tryEndings = (endings) => {
  const resolve = (specifier, context, next) => {
    try {
      return next(specifier, context);
    } catch (error) {
      if (!NOT_FOUND.has(error.code) || !A_PATH.test(specifier)) throw error;
      for (const [ending, other] of endings) {
        if (!ending.test(specifier)) continue;
        try {
          return next(specifier.replace(ending, other), context);
        } catch (further) {
          if (!NOT_FOUND.has(further.code)) throw further;
        }
      }
      throw error;
    }
  };
  registerHooks({ resolve });
};

/** Whether JavaScript runs as an ECMAScript module only: it imports, exports, or awaits outside of functions. */
const isModule = (code) => {
  if (!OF_A_MODULE.test(code)) return false;
  try {
    compileFunction(code, ['exports', 'require', 'module', '__filename', '__dirname']);
    return false;
  } catch {
    return true;
  }
};
exports.isModule = isModule;

/**
 * Files with an ending are compiled when they are loaded; their names may be given without it.
 * @param {string} ending such as '.coffee'
 * @param {(source: string, path: string) => string} compile makes JavaScript, with its source map at the end
 */
exports.compileFiles = (ending, compile) => {
  const load = (url, context, next) => {
    if (!url.startsWith('file:') || !url.endsWith(ending)) return next(url, context);
    const path = fileURLToPath(url);
    const source = compile(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''), path);
    return { format: isModule(source) ? 'module' : 'commonjs', source, shortCircuit: true };
  };
  exports.tryEndings([[/$/, ending], [/\/?$/, `/index${ending}`]]);
  // Compilers bring loaders of their own, without modules and source maps.
  delete require.extensions[ending];
  registerHooks({ load });
};

/** A source map as the last line of what it belongs to. */
exports.inlineMap = (map) => {
  const text = typeof map === 'string' ? map : JSON.stringify(map);
  return `\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(text).toString('base64')}\n`;
};

/** Ends the program with a compiler's message, which says where and what; the compiler's own stack helps nobody. */
exports.refuse = (message) => {
  process.stderr.write(`${message}\n`);
  process.exit(1);
};

/** Whether the program has not come yet: this is a waiting cell, which has the time to warm up. */
exports.isWaiting = () => isMainThread && process.cwd() === '/' && !existsSync(process.argv[1]);

/**
 * Goes to the program's folder. Node.js looks for a package.json where it starts, before --require: from the root, a
 * waiting cell gets as far as here without a look into the working folder.
 */
exports.enterFolder = () => {
  if (isMainThread && process.cwd() === '/' && process.argv[1]) process.chdir(dirname(process.argv[1]));
};
