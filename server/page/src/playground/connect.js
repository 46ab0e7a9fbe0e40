// One program over the WebSocket /api/v1/connect: what it writes comes as events, and what is typed goes to it.
import { ConnectionFailed, errorOf } from "codecell";

const PIECE = 100_000; // characters of input in one message; pasted text may be longer

export class Connection {
    // url: http://…/api/v1/connect. key: "" for a page that is open to all. start: the fields of the start message.
    constructor(url, key, start) {
        this.waiting = []; // messages that nobody has taken
        this.over = false;
        this.socket = new WebSocket(url.replace(/^http/, "ws"), "codecell.v1");
        this.socket.addEventListener("open", () => {
            this.send({ type: "key", key: key || null });
            this.send({ type: "start", ...start });
        });
        this.socket.addEventListener("message", ({ data }) => this.put(JSON.parse(data)));
        this.socket.addEventListener("close", () => {
            this.over = true;
            this.wake?.();
        });
    }

    put(message) {
        this.waiting.push(message);
        this.wake?.();
    }

    send(message) {
        if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
    }

    type(text) {
        for (let at = 0; at < text.length; at += PIECE) this.send({ type: "stdin", data: text.slice(at, at + PIECE) });
    }

    resize(columns, rows) {
        this.send({ type: "resize", columns, rows });
    }

    // Ends the program, if it still runs.
    close() {
        this.socket.close();
    }

    // {name, data, text} of each, as Codecell.stream() has them. What the server refuses is thrown.
    async *events(signal) {
        const abort = () => {
            this.close();
            this.wake?.();
        };
        signal.addEventListener("abort", abort, { once: true });
        try {
            for (;;) {
                while (this.waiting.length > 0) {
                    const event = this.eventOf(this.waiting.shift());
                    yield event;
                    if (event.name === "result") return;
                }
                if (signal.aborted) throw signal.reason;
                if (this.over) throw new ConnectionFailed("The connection to the server was lost.");
                await new Promise((resolve) => (this.wake = resolve));
            }
        } finally {
            signal.removeEventListener("abort", abort);
            this.close();
        }
    }

    eventOf({ type, ...data }) {
        if (type === "error") throw errorOf({ status: data.status, headers: new Headers() }, JSON.stringify(data));
        if (type === "file") data.type = data.media_type; // `type` says which message it is
        return { name: type, data, text: type === "stdout" || type === "stderr" ? data.data : "" };
    }
}
