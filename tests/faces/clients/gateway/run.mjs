// The calls of frostbyte-mcp (github.com/OzorOwn/frostbyte-mcp), which is not on npm: it makes a key if it has none, then
// its tool run_code posts to the path with "api" in it. Prints each answer's JSON, a line each, the key's first.
const base = process.env.FROSTBYTE_BASE_URL;
let key = process.env.FROSTBYTE_API_KEY;

if (!key) {
    const answer = await fetch(`${base}/api/keys/create`, { method: "POST" });
    const made = await answer.json();
    console.log(JSON.stringify(made));
    key = made.key;
}

for (const { code, language } of JSON.parse(process.argv[2])) {
    const headers = { "Content-Type": "application/json" };
    if (key)
        headers.Authorization = `Bearer ${key}`;
    const answer = await fetch(`${base}/v1/agent-coderunner/api/execute`, {
        method: "POST",
        headers,
        body: JSON.stringify({ code, language: language || "javascript" }),
        signal: AbortSignal.timeout(30000),
    });
    console.log(JSON.stringify(await answer.json()));
}
