// The files of the notebook's workspace: a list to save and delete them, and a place to drop more.
import { sizeText } from "./size.js";

const SHOWN_MAX = 200;
const DEPTH = 3; // folders

export class WorkspaceFiles {
    // element: with a list, a button, an input for files. openSession(): the session, which is made if there is none.
    constructor(element, openSession, say) {
        this.element = element;
        this.list = element.querySelector("ul");
        this.openSession = openSession;
        this.say = say;
        const input = element.querySelector("input");
        element.querySelector("button").addEventListener("click", () => input.click());
        input.addEventListener("change", () => {
            this.upload([...input.files]);
            input.value = "";
        });
        element.addEventListener("dragover", (event) => {
            event.preventDefault();
            element.classList.add("dropping");
        });
        element.addEventListener("dragleave", () => element.classList.remove("dropping"));
        element.addEventListener("drop", (event) => {
            event.preventDefault();
            element.classList.remove("dropping");
            this.upload([...event.dataTransfer.files]);
        });
    }

    clear() {
        this.list.replaceChildren();
    }

    async upload(files) {
        try {
            const session = await this.openSession();
            for (const file of files) {
                this.say(`Sending ${file.name}…`, "busy");
                await session.write(file.name, file);
            }
            this.say(files.length === 1 ? `${files[0].name} is there.` : `${files.length} files are there.`, "good");
            await this.refresh(session);
        } catch (error) {
            this.say(error.detail ?? error.message, "bad");
        }
    }

    async refresh(session) {
        try {
            const path = `${session.path("files")}?depth=${DEPTH}&limit=${SHOWN_MAX}`;
            const { items, next_cursor: more } = await session.transport.ask("GET", path); // one page is enough to look at
            const files = items.filter(({ type }) => type === "file");
            this.list.replaceChildren(...files.map((item) => this.itemOf(session, item)), ...(more ? ["There are more files."] : []));
        } catch {
            this.clear(); // the session is gone, which the next cell says
        }
    }

    itemOf(session, { path, size }) {
        const item = document.createElement("li");
        const save = document.createElement("button");
        const remove = document.createElement("button");
        const length = document.createElement("small");
        save.type = remove.type = "button";
        save.className = "place";
        save.textContent = path;
        save.setAttribute("aria-label", `Save ${path}`);
        save.addEventListener("click", () => this.save(session, path));
        remove.textContent = "✕";
        remove.setAttribute("aria-label", `Delete ${path}`);
        remove.addEventListener("click", () => this.remove(session, path));
        length.textContent = sizeText(size);
        item.append(save, length, remove);
        return item;
    }

    // A link could not send the key.
    async save(session, path) {
        try {
            const bytes = await session.read(path);
            const link = document.createElement("a");
            link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
            link.download = path.split("/").pop();
            link.click();
            setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
        } catch (error) {
            this.say(error.detail ?? error.message, "bad");
        }
    }

    async remove(session, path) {
        try {
            await session.remove(path);
        } catch (error) {
            this.say(error.detail ?? error.message, "bad");
        }
        await this.refresh(session);
    }
}
