// Drives the MCP face with an official client: node client.mjs LINE URL-or-COMMAND KEY
// LINE: sdk, legacy, auto, pin (over HTTP), stdio (the SDK starts `codecell mcp`). Prints one JSON object.
import * as sdk from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as SdkHttp } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const [line, where, key] = process.argv.slice(2);
const info = { name: "codecell-tests", version: "1.0.0" };
const requestInit = key ? { headers: { Authorization: `Bearer ${key}` } } : {};
const modes = { legacy: undefined, auto: { mode: "auto" }, pin: { mode: { pin: "2026-07-28" } } };

function connectTo() {
  if (line === "sdk") return [new sdk.Client(info), new SdkHttp(new URL(where), { requestInit })];
  if (line === "stdio") {
    const env = { PATH: process.env.PATH, CODECELL_URL: process.env.CODECELL_URL, CODECELL_KEY: key };
    return [new sdk.Client(info), new StdioClientTransport({ command: where, args: ["mcp"], env })];
  }
  const options = modes[line] ? { versionNegotiation: modes[line] } : {};
  return [new Client(info, options), new StreamableHTTPClientTransport(new URL(where), { requestInit })];
}

async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}

const [client, transport] = connectTo();
const seen = { progress: [] };
await client.connect(transport);
const isSdk = line === "sdk" || line === "stdio";
const call = (name, args, options) =>
  isSdk ? client.callTool({ name, arguments: args }, undefined, options) : client.callTool({ name, arguments: args }, options);

seen.server = client.getServerVersion();
seen.instructions = client.getInstructions();
seen.tools = (await client.listTools()).tools.map((tool) => tool.name);
seen.hello = await call("execute_code", { language: "python", code: "print('hello')" });
seen.fails = await call("execute_code", { language: "python", code: "import sys; sys.exit(3)" });
seen.bad = await call("execute_code", { language: "python" });
seen.language = await call("execute_code", { language: "cobol", code: "x" });
seen.unknown = await attempt(() => call("nothing", {}));
seen.languages = await call("list_languages", {});
await call("execute_code", { language: "bash", code: "echo one; sleep 3" },
  { onprogress: (progress) => seen.progress.push(progress.message) });
if (line !== "auto" && line !== "pin") seen.ping = await client.ping();

const stop = new AbortController();
const long = attempt(() => call("execute_code", { language: "bash", code: "sleep 60", session_id: `cancel-${line}` },
  { signal: stop.signal, onprogress: () => stop.abort("enough") }));
seen.cancelled = await long;
await client.close();
console.log(JSON.stringify(seen));
