// A link that carries the program in its fragment. Nothing is stored on the server, which does not even get to see it.
import { programOf } from "./state.js";

const PREFIX = "#1."; // the version of the format: deflated JSON in base64url
const LINK_MAX = 2_000_000; // characters

async function through(stream, bytes) {
    const writer = stream.writable.getWriter();
    writer.write(bytes).catch(() => {}); // a broken link fails at the reader
    writer.close().catch(() => {});
    return new Uint8Array(await new Response(stream.readable).arrayBuffer());
}

function toBase64Url(bytes) {
    let text = "";
    for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function fromBase64Url(text) {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
}

export async function fragmentOf(program) {
    const bytes = new TextEncoder().encode(JSON.stringify(program));
    return PREFIX + toBase64Url(await through(new CompressionStream("deflate-raw"), bytes));
}

// The program of a fragment, or null if it carries none or a broken one.
export async function programOfFragment(fragment) {
    if (!fragment.startsWith(PREFIX) || fragment.length > LINK_MAX) return null;
    try {
        const bytes = await through(new DecompressionStream("deflate-raw"), fromBase64Url(fragment.slice(PREFIX.length)));
        return programOf(JSON.parse(new TextDecoder().decode(bytes)));
    } catch {
        return null;
    }
}
