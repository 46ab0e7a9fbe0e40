// A server that has gone away: asks until it is there again.

const PAUSE_MS = 1500;

let asking = null; // one round of questions, however many wait for its answer

// Resolves as soon as the server answers.
export function serverIsBack(url) {
    asking ??= ask(url).finally(() => (asking = null));
    return asking;
}

async function ask(url) {
    for (;;) {
        const there = await fetch(`${url}/health`, { cache: "no-store" }).then((answer) => answer.ok, () => false);
        if (there) return;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
}

// Whether an error says that nobody is there: no connection, or a proxy that finds no server.
export const isAway = (error) => error.status === 0 || error.status === 502 || error.status === 504;
