// The highlighting of each language, fetched when it is first shown. A language that is not here is plain text.
import { StreamLanguage } from "@codemirror/language";

const legacy = (load, name) => async () => StreamLanguage.define((await load())[name]);
const clike = (name) => legacy(() => import("@codemirror/legacy-modes/mode/clike"), name);
const python = async () => (await import("@codemirror/lang-python")).python();
const typescript = async () => (await import("@codemirror/lang-javascript")).javascript({ typescript: true });
const javascript = async () => (await import("@codemirror/lang-javascript")).javascript({ jsx: true });
const cpp = async () => (await import("@codemirror/lang-cpp")).cpp();
const scheme = legacy(() => import("@codemirror/legacy-modes/mode/scheme"), "scheme");
const shell = legacy(() => import("@codemirror/legacy-modes/mode/shell"), "shell");
const coffeescript = legacy(() => import("@codemirror/legacy-modes/mode/coffeescript"), "coffeeScript");
const clojure = legacy(() => import("@codemirror/legacy-modes/mode/clojure"), "clojure");
const pascal = legacy(() => import("@codemirror/legacy-modes/mode/pascal"), "pascal");
const javascriptLike = javascript;

const byLanguage = {
    bash: shell, zsh: shell, c: cpp, cpp, chez: scheme, scheme, racket: scheme, civet: coffeescript, coffeescript,
    clojure, clojurescript: clojure, csharp: clike("csharp"), dart: clike("dart"), java: clike("java"),
    kotlin: clike("kotlin"), scala: clike("scala"), haxe: legacy(() => import("@codemirror/legacy-modes/mode/haxe"), "haxe"),
    cobol: legacy(() => import("@codemirror/legacy-modes/mode/cobol"), "cobol"),
    commonlisp: legacy(() => import("@codemirror/legacy-modes/mode/commonlisp"), "commonLisp"),
    crystal: legacy(() => import("@codemirror/legacy-modes/mode/crystal"), "crystal"),
    d: legacy(() => import("@codemirror/legacy-modes/mode/d"), "d"),
    erlang: legacy(() => import("@codemirror/legacy-modes/mode/erlang"), "erlang"),
    fortran: legacy(() => import("@codemirror/legacy-modes/mode/fortran"), "fortran"),
    fsharp: legacy(() => import("@codemirror/legacy-modes/mode/mllike"), "fSharp"),
    ocaml: legacy(() => import("@codemirror/legacy-modes/mode/mllike"), "oCaml"),
    gas: legacy(() => import("@codemirror/legacy-modes/mode/gas"), "gas"),
    go: legacy(() => import("@codemirror/legacy-modes/mode/go"), "go"),
    groovy: legacy(() => import("@codemirror/legacy-modes/mode/groovy"), "groovy"),
    haskell: legacy(() => import("@codemirror/legacy-modes/mode/haskell"), "haskell"),
    julia: legacy(() => import("@codemirror/legacy-modes/mode/julia"), "julia"),
    livescript: legacy(() => import("@codemirror/legacy-modes/mode/livescript"), "liveScript"),
    lua: legacy(() => import("@codemirror/legacy-modes/mode/lua"), "lua"),
    luajit: legacy(() => import("@codemirror/legacy-modes/mode/lua"), "lua"),
    octave: legacy(() => import("@codemirror/legacy-modes/mode/octave"), "octave"),
    pascal, perl: legacy(() => import("@codemirror/legacy-modes/mode/perl"), "perl"),
    php: async () => (await import("@codemirror/lang-php")).php({ plain: false }),
    powershell: legacy(() => import("@codemirror/legacy-modes/mode/powershell"), "powerShell"),
    python, pypy: python, r: legacy(() => import("@codemirror/legacy-modes/mode/r"), "r"),
    ruby: legacy(() => import("@codemirror/legacy-modes/mode/ruby"), "ruby"),
    rust: legacy(() => import("@codemirror/legacy-modes/mode/rust"), "rust"),
    sql: legacy(() => import("@codemirror/legacy-modes/mode/sql"), "sqlite"),
    swift: legacy(() => import("@codemirror/legacy-modes/mode/swift"), "swift"),
    tcl: legacy(() => import("@codemirror/legacy-modes/mode/tcl"), "tcl"),
    javascript, quickjs: javascriptLike, rescript: javascriptLike, typescript, "typescript-checked": typescript,
};

const byExtension = {
    py: "python", js: "javascript", mjs: "javascript", ts: "typescript", c: "c", h: "c", cpp: "cpp", java: "java", go: "go",
    rs: "rust", rb: "ruby", php: "php", sql: "sql", sh: "bash", r: "r", lua: "lua", pl: "perl",
};

// The extension for a file; null: plain text.
export async function highlightingOf(path, language) {
    const name = language ?? byExtension[path.split(".").pop().toLowerCase()];
    return byLanguage[name] ? byLanguage[name]() : null;
}
