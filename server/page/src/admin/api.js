// Calls of the API with the admin's key.

const base = new URL("api/v1/", location.href);

export class Refused extends Error {
    constructor(status, sentence) {
        super(sentence);
        this.status = status;
    }
}

export class Api {
    constructor(key) {
        this.key = key;
    }

    // The answer's content. Refused: the server said no. TypeError: it does not answer.
    async ask(method, path, { query = {}, body } = {}) {
        const url = new URL(path, base);
        for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
        const answer = await fetch(url, {
            method,
            headers: { "X-API-Key": this.key, ...(body ? { "Content-Type": "application/json" } : {}) },
            body: body ? JSON.stringify(body) : undefined,
        });
        const content = await answer.json().catch(() => ({}));
        if (!answer.ok) throw new Refused(answer.status, content.detail ?? `The server answered ${answer.status}.`);
        return content;
    }

    get(path, query) {
        return this.ask("GET", path, { query });
    }
}
