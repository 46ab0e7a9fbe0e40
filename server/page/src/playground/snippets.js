// The request as a program in other languages, runnable as it stands if CODECELL_KEY has the key.

const shellQuoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

// Writes a file: by a here-document whose end no line of the text is, which ends with a line end always.
function written(path, text) {
    const folder = path.includes("/") ? `mkdir -p ${shellQuoted(path.replace(/\/[^/]*$/, ""))}\n` : "";
    if (!text.endsWith("\n")) return `${folder}printf %s ${shellQuoted(text)} > ${shellQuoted(path)}\n`;
    let end = "END";
    while (text.split("\n").includes(end)) end += "_";
    return `${folder}cat > ${shellQuoted(path)} <<'${end}'\n${text}${end}\n`;
}

// JSON is a Python literal but for three words.
function pythonLiteral(value, indent = "") {
    const inner = indent + "    ";
    if (value === null) return "None";
    if (typeof value === "boolean") return value ? "True" : "False";
    if (typeof value !== "object") return JSON.stringify(value);
    const [open, close] = Array.isArray(value) ? "[]" : "{}";
    const parts = Array.isArray(value)
        ? value.map((one) => pythonLiteral(one, inner))
        : Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${pythonLiteral(one, inner)}`);
    return parts.length ? `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${indent}${close}` : open + close;
}

const json = (request) => JSON.stringify(request, null, 2);

// The longest run of quotes decides how many a raw string of C# begins with.
function csharpRaw(text) {
    const longest = Math.max(2, ...[...text.matchAll(/"+/g)].map(([run]) => run.length));
    const quotes = '"'.repeat(longest + 1);
    return `${quotes}\n${text}\n${quotes}`;
}

export const snippets = {
    curl: (url, request) => `curl -sS ${url}/api/v1/execute \\
  -H "X-API-Key: $CODECELL_KEY" -H 'Content-Type: application/json' \\
  -d ${shellQuoted(json(request))}
`,

    Python: (url, request) => `import json
import os
import urllib.request

request = ${pythonLiteral(request)}
answer = urllib.request.urlopen(urllib.request.Request(
    ${JSON.stringify(`${url}/api/v1/execute`)}, json.dumps(request).encode(),
    {"X-API-Key": os.environ["CODECELL_KEY"], "Content-Type": "application/json"}))
print(json.load(answer)["stdout"], end="")
`,

    JavaScript: (url, request) => `const request = ${json(request)};
const answer = await fetch(${JSON.stringify(`${url}/api/v1/execute`)}, {
  method: "POST",
  headers: { "X-API-Key": process.env.CODECELL_KEY, "Content-Type": "application/json" },
  body: JSON.stringify(request),
});
process.stdout.write((await answer.json()).stdout);
`,

    "C#": (url, request) => `using System.Text;

var request = ${csharpRaw(json(request))};
using var client = new HttpClient();
client.DefaultRequestHeaders.Add("X-API-Key", Environment.GetEnvironmentVariable("CODECELL_KEY"));
var answer = await client.PostAsync(${JSON.stringify(`${url}/api/v1/execute`)},
    new StringContent(request, Encoding.UTF8, "application/json"));
Console.WriteLine(await answer.Content.ReadAsStringAsync());
`,

    "Command line": (url, request) => {
        const options = [`--language ${request.language}`];
        if (request.version) options.push(`--version ${shellQuoted(request.version)}`);
        if (request.timeout) options.push(`--timeout ${request.timeout}`);
        for (const [name, value] of Object.entries(request.environment ?? {})) {
            options.push(`--env ${shellQuoted(`${name}=${value}`)}`);
        }
        for (const { path } of request.files ?? []) options.push(`--file ${shellQuoted(path)}`);
        const files = [{ path: "program", content: request.code }, ...request.files ?? []];
        const args = (request.args ?? []).map(shellQuoted);
        return `${files.map(({ path, content }) => written(path, content)).join("")}\
printf %s ${shellQuoted(request.stdin ?? "")} |
  CODECELL_URL=${url} codecell run ${options.join(" ")} ${["program", ...args].join(" ")}
`;
    },
};
