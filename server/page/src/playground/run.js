// One run of the program: its events, drawn as they come.
import { Codecell, CodecellError, Unauthorized } from "codecell";
import { framed, isFramed } from "./frame.js";
import { sizeText } from "./size.js";
import { requestOf } from "./state.js";
import { isAway, serverIsBack } from "./watch.js";

const TERMINAL_TIMEOUT = 300; // seconds, for a person who types; a key may have a lower maximum

const narrow = matchMedia("(max-width: 800px)");
const seconds = (value) => (value === null || value === undefined || value < 0 ? null : `${value.toFixed(3)} s`);

const ENDS = {
    completed: (answer) => (answer.exit_code === 0 ? "Done" : `Exit code ${answer.exit_code}`),
    failed: (answer) => (answer.signal ? `Ended by ${answer.signal}` : `Exit code ${answer.exit_code}`),
    timed_out: () => "Time limit",
    out_of_memory: () => "Out of memory",
    compile_failed: () => "It does not compile",
    cancelled: () => "Stopped",
};

function figuresOf(answer) {
    return [
        ["time", answer.status === "compile_failed" ? null : seconds(answer.execution_time)],
        ["CPU", seconds(answer.cpu_time)],
        ["memory", answer.memory_mb > 0 ? `${Math.round(answer.memory_mb)} MB` : null],
        ["compiled in", answer.compile ? seconds(answer.compile.execution_time) : null], ["version", answer.version],
    ].filter(([, value]) => value);
}

// A picture is shown, and what a browser could run is shown in a frame of its own.
function shownAs({ path, content, type }, bytes) {
    if (isFramed(type)) return framed(type, new TextDecoder().decode(bytes), path);
    if (!/^image\/(png|jpeg|gif|webp)$/.test(type ?? "")) return null;
    const image = document.createElement("img");
    image.src = `data:${type};base64,${content}`; // the page's policy allows no picture from elsewhere
    image.alt = path;
    return image;
}

function fileView(file) {
    const { path, content, size } = file;
    const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
    const shown = shownAs(file, bytes);
    const url = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
    const figure = document.createElement("figure");
    const link = document.createElement("a");
    link.href = url;
    link.download = path.split("/").pop();
    link.textContent = `${path} (${sizeText(size)})`;
    if (shown) figure.append(shown);
    const caption = document.createElement("figcaption");
    caption.append(link);
    figure.append(caption);
    return figure;
}

export class Runner {
    // view: {output, terminal, status, figures, files}: elements, and an Output. onState(running).
    constructor(view, keyring, onState) {
        this.view = view;
        this.keyring = keyring;
        this.onState = onState;
        this.stopping = null;
    }

    get running() {
        return this.stopping !== null;
    }

    stop() {
        this.stopping?.abort(new DOMException("stopped", "AbortError"));
    }

    say(text, kind = "") {
        this.view.status.textContent = text;
        this.view.status.className = kind;
    }

    reset() {
        this.view.output.clear();
        this.view.figures.replaceChildren();
        this.view.files.replaceChildren();
        this.view.files.hidden = true;
    }

    async run(program, inTerminal) {
        if (this.running) return;
        this.stopping = new AbortController();
        this.onState(true);
        try {
            await this.runAllowed(program, inTerminal);
        } catch (error) {
            this.fail(error);
        } finally {
            this.terminal?.end();
            this.stopping = null;
            this.onState(false);
        }
    }

    // The operator may have opened the page to all, so the key is asked for only when the server wants one.
    async runAllowed(program, inTerminal) {
        const request = requestOf(program);
        if (inTerminal) request.timeout ??= TERMINAL_TIMEOUT;
        let key = this.keyring.value;
        for (;;) {
            try {
                return await this.follow(request, program.files.map((file) => file.path), key ?? "", inTerminal);
            } catch (error) {
                const most = /^timeout: must be an integer from 1 to (\d+)$/.exec(error.detail)?.[1];
                if (most && inTerminal && program.timeout === null && request.timeout > Number(most)) {
                    request.timeout = Number(most);
                } else if (error instanceof Unauthorized && key === null) {
                    key = await this.keyring.ask();
                    if (key === null) return this.say("Ready.");
                } else {
                    throw error;
                }
            }
        }
    }

    async events(request, key, inTerminal) {
        const url = location.origin + base();
        const { signal } = this.stopping;
        this.show(inTerminal);
        if (!inTerminal) return new Codecell({ url, key, retries: 0, timeout: 330 }).stream(request, { signal });
        const { TerminalView } = await import("./terminal.js");
        this.terminal ??= new TerminalView(this.view.terminal, this.view.onLeave);
        return this.terminal.events(`${url}/api/v1/connect`, key, request, signal);
    }

    // paths: the program's files, to which messages of compilers and interpreters lead.
    async follow(request, paths, key, inTerminal) {
        let ended = false;
        this.reset();
        this.say("Running…", "busy");
        if (narrow.matches) this.view.status.scrollIntoView({ block: "start" }); // it lies below the program
        for await (const event of await this.events(request, key, inTerminal)) {
            if (event.name === "stdout" || event.name === "stderr") this.write(event, paths, inTerminal);
            else if (event.name === "file") this.showFile(event.data);
            else if (event.name === "result") ended = this.finish(event.data, inTerminal);
        }
        if (!ended) throw new CodecellError("The answer was cut. The server may have gone away.");
    }

    // Of a compiler's messages there is a copy with links, which is shown if nothing came to run.
    write({ name, text, data }, paths, inTerminal) {
        const compiling = data.step === "compile";
        if (inTerminal) this.terminal.write(text, compiling);
        if (!inTerminal || compiling) this.view.output.write(name, text, name === "stderr" ? paths : []);
    }

    show(inTerminal) {
        this.view.terminal.hidden = !inTerminal;
        this.view.output.element.hidden = inTerminal;
    }

    note(text) {
        if (this.view.terminal.hidden) this.view.output.write("note", `${text}\n`);
        else this.terminal.note(text);
    }

    showFile(file) {
        this.view.files.hidden = false;
        this.view.files.append(fileView(file));
    }

    finish(answer, inTerminal) {
        this.show(inTerminal && answer.status !== "compile_failed");
        const end = ENDS[answer.status]?.(answer) ?? answer.status;
        this.say(end, answer.status === "completed" && answer.exit_code === 0 ? "good" : "bad");
        for (const [name, value] of figuresOf(answer)) {
            const part = document.createElement("span");
            part.textContent = `${name} ${value}`;
            this.view.figures.append(part);
        }
        const notes = [...(answer.warnings ?? [])];
        if (answer.stdout_truncated || answer.stderr_truncated) notes.push("The output was longer than the limit, and is cut.");
        for (const note of notes) this.note(note);
        return true;
    }

    fail(error) {
        if (error.name === "AbortError") {
            this.say("Stopped", "bad");
        } else if (error instanceof Unauthorized) {
            this.keyring.forget();
            this.say("The key was refused. Run asks for another one.", "bad");
            this.note(error.detail);
        } else {
            this.say(isAway(error) ? "No answer from the server" : "It did not run", "bad");
            this.note(error.detail ?? error.message);
            if (isAway(error)) this.awaitServer();
        }
    }

    // Says when the server is there again, unless a program was started meanwhile.
    async awaitServer() {
        const before = this.view.status.textContent;
        await serverIsBack(location.origin + base());
        if (this.view.status.textContent === before) this.say("The server answers again.", "good");
    }
}

// The folder of the page, if a proxy serves it below one.
export const base = () => location.pathname.replace(/\/[^/]*$/, "");
