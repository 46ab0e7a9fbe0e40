// What the program writes. Pieces are gathered and drawn once a frame, and of a long output only the last part is shown,
// so that a program that prints megabytes leaves the page usable.

const SHOWN_MAX = 400_000; // characters
const DRAWN_AT_ONCE = 100_000;

export class Output {
    // onPlace(path, line, column): a place in a message was clicked.
    constructor(element, onPlace) {
        this.element = element;
        this.onPlace = onPlace;
        this.clear();
    }

    clear() {
        this.element.replaceChildren();
        this.waiting = [];
        this.shown = 0;
        this.dropped = false;
        this.drawing = false;
    }

    // name: stdout, stderr or note. paths: whose lines in `text` become links.
    write(name, text, paths = []) {
        const last = this.waiting.at(-1);
        if (last?.name === name && paths.length === 0) last.text += text;
        else this.waiting.push({ name, text, paths });
        if (!this.drawing) {
            this.drawing = true;
            requestAnimationFrame(() => this.draw());
        }
    }

    draw() {
        this.drawing = false;
        const follows = this.element.scrollTop + this.element.clientHeight >= this.element.scrollHeight - 20;
        for (const { name, text, paths } of this.waiting.splice(0)) this.append(name, text.slice(-SHOWN_MAX), paths);
        this.trim();
        if (follows) this.element.scrollTop = this.element.scrollHeight;
    }

    append(name, text, paths) {
        if (name === "note" && /[^\n]$/.test(this.element.lastElementChild?.textContent ?? "")) text = `\n${text}`;
        for (let at = 0; at < text.length; at += DRAWN_AT_ONCE) {
            const piece = document.createElement("span");
            piece.className = name;
            piece.append(...this.linked(text.slice(at, at + DRAWN_AT_ONCE), paths));
            this.element.append(piece);
        }
        this.shown += text.length;
    }

    trim() {
        const first = () => this.element.firstElementChild;
        while (this.shown > SHOWN_MAX && first() !== this.element.lastElementChild) {
            if (!first().classList.contains("note")) this.shown -= first().textContent.length;
            first().remove();
            this.dropped = true;
        }
        if (!this.dropped || first()?.classList.contains("cut")) return;
        const note = document.createElement("span");
        note.className = "note cut";
        note.textContent = "The beginning of the output is not shown.\n";
        this.element.prepend(note);
    }

    // Text, with a button for each "path:line:column" or 'File "path", line 3' of these files.
    linked(text, paths) {
        if (paths.length === 0) return [text];
        const names = paths.map((path) => path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
        const places = new RegExp(`(?:File ")?(?:[\\w./-]*/)?(${names})(?:", line |[:(])(\\d+)(?:[:,](\\d+))?`, "g");
        const parts = [];
        let end = 0;
        for (const found of text.matchAll(places)) {
            const [whole, path, line, column] = found;
            const link = document.createElement("button");
            link.type = "button";
            link.className = "place";
            link.textContent = whole;
            link.addEventListener("click", () => this.onPlace(path, Number(line), Number(column ?? 1)));
            parts.push(text.slice(end, found.index), link);
            end = found.index + whole.length;
        }
        return [...parts, text.slice(end)];
    }
}
