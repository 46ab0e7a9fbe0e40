// The notebook: cells that run in a workspace's interpreter, which keeps what they define. Fetched when it is first opened.
import { Codecell, CodecellError, NotFound, Unauthorized } from "codecell";
import { Cell } from "./cell.js";
import { WorkspaceFiles } from "./workspace-files.js";
import { isAway, serverIsBack } from "./watch.js";

const KERNELS = ["python", "javascript"]; // languages that have one
const TTL_S = 1800; // of the session, after its last use; it is deleted when the page is left
const STORED = "codecell.notebook"; // in the tab's session storage: {language, cells: [code]}
const SAVE_AFTER_MS = 500;

const FIRST_CELLS = {
    python: ["# Shift-Enter runs a cell. What it defines stays for the next one.\nsquares = [n * n for n in range(10)]\nsquares",
        "sum(squares)"],
    javascript: ["// Shift-Enter runs a cell. What it defines stays for the next one.\nconst squares = [...Array(10).keys()].map((n) => n * n);\nsquares",
        "squares.reduce((a, b) => a + b)"],
};

function stored() {
    try {
        const { language, cells } = JSON.parse(sessionStorage.getItem(STORED));
        const good = KERNELS.includes(language) && cells.length > 0 && cells.every((code) => typeof code === "string");
        return good ? { language, cells } : null;
    } catch {
        return null;
    }
}

export class Notebook {
    // root: the element with the notebook's parts. languages: that are offered. url: the server's.
    constructor(root, { url, languages, keyring }) {
        this.url = url;
        this.keyring = keyring;
        this.part = (name) => root.querySelector(`[data-part="${name}"]`);
        this.list = this.part("cells");
        this.cells = [];
        this.queue = Promise.resolve();
        this.waiting = 0; // cells that run or wait
        this.session = null;
        this.files = new WorkspaceFiles(this.part("files"), () => this.openSession(), (text, kind) => this.say(text, kind));
        const before = stored();
        const offered = KERNELS.map((id) => languages.find((one) => one.id === id)).filter(Boolean);
        this.part("language").replaceChildren(...offered.map(({ id, name }) => new Option(name, id)));
        this.language = before?.language ?? offered[0]?.id ?? KERNELS[0];
        this.part("language").value = this.language;
        this.part("language").addEventListener("change", () => this.changeLanguage(this.part("language").value));
        for (const [name, work] of [["run-all", () => this.runAll()], ["add", () => this.addCell("").field.focus()],
            ["interrupt", () => this.steer("interrupt")], ["restart", () => this.steer("restart")]]) {
            this.part(name).addEventListener("click", work);
        }
        window.addEventListener("pagehide", () => this.leave());
        for (const code of before?.cells ?? FIRST_CELLS[this.language]) this.addCell(code);
        this.showWork();
    }

    say(text, kind = "") {
        this.part("status").textContent = text;
        this.part("status").className = kind;
    }

    // Cells.

    addCell(code, at = this.cells.length) {
        const cell = new Cell(code, this.language, {
            run: (one) => this.run(one), runAndGoOn: (one) => this.runAndGoOn(one), edited: () => this.save(),
            move: (one, by) => this.move(one, by), remove: (one) => this.remove(one),
        });
        this.cells.splice(at, 0, cell);
        this.list.insertBefore(cell.element, this.list.children[at] ?? null);
        this.number();
        return cell;
    }

    number() {
        this.cells.forEach((cell, at) => (cell.number = at + 1));
        this.save();
    }

    move(cell, by) {
        const at = this.cells.indexOf(cell);
        const to = at + by;
        if (to < 0 || to >= this.cells.length) return;
        this.cells.splice(at, 1);
        this.cells.splice(to, 0, cell);
        this.list.insertBefore(cell.element, this.list.children[by > 0 ? to + 1 : to] ?? null);
        this.number();
        cell.field.focus();
    }

    remove(cell) {
        const at = this.cells.indexOf(cell);
        this.cells.splice(at, 1);
        cell.element.remove();
        if (this.cells.length === 0) this.addCell("");
        this.number();
        this.cells[Math.min(at, this.cells.length - 1)].field.focus();
    }

    save() {
        clearTimeout(this.saving);
        this.saving = setTimeout(() => {
            try {
                sessionStorage.setItem(STORED, JSON.stringify({ language: this.language, cells: this.cells.map(({ code }) => code) }));
            } catch {
                // a browser without storage forgets, and that is all
            }
        }, SAVE_AFTER_MS);
    }

    changeLanguage(language) {
        const untouched = this.cells.every(({ code }, at) => code === FIRST_CELLS[this.language][at]);
        this.leave();
        this.language = language;
        if (untouched) {
            for (const cell of this.cells.splice(0)) cell.element.remove();
            for (const code of FIRST_CELLS[language]) this.addCell(code);
        }
        for (const cell of this.cells) {
            cell.setLanguage(language);
            cell.forget();
        }
        this.say("");
        this.save();
    }

    // The session, its workspace and its kernel.

    client(key) {
        return new Codecell({ url: this.url, key, retries: 0, timeout: 330 });
    }

    // Each use of a workspace needs a key, also where the page is open to all.
    async openSession() {
        this.opening ??= this.session ? Promise.resolve(this.session) : this.newSession();
        try {
            return await this.opening;
        } finally {
            this.opening = null;
        }
    }

    async newSession() {
        for (let sentence = ""; ; ) {
            const key = this.keyring.value ?? await this.keyring.ask(sentence || "A notebook needs a key.");
            if (key === null) throw new CodecellError("A notebook needs a key.");
            try {
                const fields = { workspace: true, language: this.language, ttl_seconds: TTL_S };
                this.session = await this.client(key).session(fields, { keep: true });
                this.files.refresh(this.session);
                return this.session;
            } catch (error) {
                if (!(error instanceof Unauthorized)) throw error;
                this.keyring.forget();
                sentence = error.detail;
            }
        }
    }

    // Nothing of it stays on the server. The page may be gone before the answer comes.
    leave() {
        const { session } = this;
        this.session = null;
        this.files.clear();
        if (!session) return;
        fetch(this.url + session.path(), { method: "DELETE", keepalive: true, headers: { "X-API-Key": session.transport.key } })
            .catch(() => {});
    }

    async steer(what) {
        if (!this.session) return this.say("Nothing runs.");
        try {
            await this.session[what]();
            if (what === "restart") {
                for (const cell of this.cells) cell.forget();
                this.say("The kernel is new: what the cells defined is gone.");
            }
        } catch (error) {
            this.lose(error);
            this.say(error.detail ?? error.message, "bad");
        }
    }

    // Runs.

    showWork() {
        this.part("interrupt").disabled = this.waiting === 0;
        if (this.waiting > 0) this.say("Running…", "busy");
        else if (this.part("status").className === "busy") this.say("Ready.");
    }

    runAndGoOn(cell) {
        const at = this.cells.indexOf(cell);
        this.run(cell);
        (this.cells[at + 1] ?? this.addCell("")).field.focus();
    }

    // A cell that fails keeps those behind it from running.
    async runAll() {
        for (const cell of [...this.cells]) if (!await this.run(cell)) return;
    }

    // Whether it ended well. Cells run one after another, in the order in which they were asked for.
    run(cell) {
        cell.begin();
        this.waiting++;
        this.showWork();
        const done = this.queue.then(() => this.runNow(cell));
        this.queue = done;
        return done;
    }

    async runNow(cell) {
        let good = false;
        try {
            const answer = await this.follow(cell, await this.openSession());
            good = answer.status === "completed" && answer.exit_code === 0;
            this.files.refresh(this.session);
        } catch (error) {
            cell.fail(error.detail ?? error.message);
            this.lose(error);
        }
        this.waiting--;
        this.showWork();
        return good;
    }

    // The cell's answer. What it prints is shown as it comes.
    async follow(cell, session) {
        if (cell.code.trim() === "") {
            cell.forget();
            return { status: "completed", exit_code: 0 };
        }
        const kind = { stdout: "stdout", stderr: "stderr" };
        for await (const { name, text, data } of session.stream({ code: cell.code, language: this.language, kernel: true })) {
            if (name in kind) cell.output.write(name, text);
            if (name !== "result") continue;
            cell.end(data);
            return data;
        }
        throw new CodecellError("The answer was cut. The server may have gone away.");
    }

    // After some errors there is no session any more, and the next cell gets a new one.
    lose(error) {
        if (error instanceof Unauthorized) this.keyring.forget();
        if (error instanceof NotFound || error instanceof Unauthorized) this.session = null;
        if (isAway(error)) this.awaitServer();
    }

    async awaitServer() {
        this.say("No answer from the server. The page tells when it is there again.", "bad");
        await serverIsBack(this.url);
        this.say("The server answers again. The kernel of before may be gone.", "good");
    }
}
