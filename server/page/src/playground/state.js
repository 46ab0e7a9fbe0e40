// What the page works on: one program. Whoever changes it calls changed(), and listeners hear of it.

export function newProgram(language) {
    return {
        language: language.id,
        version: "",
        files: [{ path: language.file, content: language.example.code }], // the first is the program
        stdin: language.example.stdin ?? "",
        arguments: [],
        variables: {},
        timeout: null, // seconds; null: the server's default
        memory: null, // megabytes
        outputs: [],
    };
}

// A program that came from a link may lack anything, and is checked.
export function programOf(value) {
    const text = (one) => (typeof one === "string" ? one : "");
    const number = (one) => (Number.isInteger(one) ? one : null);
    const strings = (list) => (Array.isArray(list) ? list.filter((one) => typeof one === "string") : []);
    const files = (Array.isArray(value?.files) ? value.files : [])
        .filter((file) => typeof file?.path === "string" && typeof file?.content === "string")
        .map(({ path, content }) => ({ path, content }));
    if (typeof value?.language !== "string" || files.length === 0) return null;
    const variables = Object.entries(value.variables ?? {}).filter(([, one]) => typeof one === "string");
    return {
        language: value.language,
        version: text(value.version),
        files,
        stdin: text(value.stdin),
        arguments: strings(value.arguments),
        variables: Object.fromEntries(variables),
        timeout: number(value.timeout),
        memory: number(value.memory),
        outputs: strings(value.outputs),
    };
}

const READING = [
    /\binput\s*\(/, /\bstdin\b/i, /\bscanf\s*\(/, /\bgetchar\s*\(/, /\bcin\b/, /\bread_?line\b/i, /\bgets\b/, /<STDIN>/,
    /\bSystem\.in\b/, /\bConsole\.Read/, /^\s*read\s/m, /\breadln\b/i,
];

// Whether it looks as if the program reads what nobody has given it.
export const wantsInput = (program) =>
    program.stdin === "" && READING.some((words) => words.test(program.files[0].content));

// The body of POST /api/v1/execute.
export function requestOf(program) {
    const [main, ...rest] = program.files;
    const request = { code: main.content, language: program.language };
    if (program.version) request.version = program.version;
    if (program.stdin) request.stdin = program.stdin;
    if (program.arguments.length) request.args = program.arguments;
    if (rest.length) request.files = rest;
    if (Object.keys(program.variables).length) request.environment = program.variables;
    if (program.timeout) request.timeout = program.timeout;
    if (program.memory) request.limits = { memory_mb: program.memory };
    if (program.outputs.length) request.outputs = program.outputs;
    return request;
}
