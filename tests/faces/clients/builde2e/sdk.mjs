// A stand-in for @builde2e/sdk, which is not on npm: its documented default export, setApiKey and executeCode.
const base = process.env.BUILDE2E_URL ?? "https://api.builde2e.com";
let apiKey;

async function executeCode({ code, language }) {
    const answer = await fetch(`${base}/api/v1/code-sandbox/execute`, {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${apiKey}` },
        body: JSON.stringify({ code, language }),
    });
    const result = await answer.json();
    if (!answer.ok)
        throw new Error(`${answer.status}: ${result.error}`);
    return result;
}

export default {
    setApiKey(key) {
        apiKey = key;
    },
    executeCode,
};
