// The languages that can run now, and the dialog that chooses one. The last ones that were chosen come first.

const RECENT = "codecell.recent"; // in the browser's storage: a list of ids
const RECENT_MAX = 6;

function recent() {
    try {
        const ids = JSON.parse(localStorage.getItem(RECENT) ?? "[]");
        return Array.isArray(ids) ? ids : [];
    } catch {
        return [];
    }
}

export function remember(id) {
    try {
        localStorage.setItem(RECENT, JSON.stringify([id, ...recent().filter((one) => one !== id)].slice(0, RECENT_MAX)));
    } catch {
        // a browser without storage forgets, and that is all
    }
}

export function firstLanguage(languages) {
    const wanted = [...recent(), "python"];
    return wanted.map((id) => languages.find((one) => one.id === id)).find(Boolean) ?? languages[0];
}

const ordered = (languages) => {
    const last = recent();
    const rank = (language) => (last.includes(language.id) ? last.indexOf(language.id) : RECENT_MAX);
    return [...languages].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
};

// How well a language fits what was typed: 0 is one of its names, 1 the beginning of one, 2 a part of one; 3: not at all.
function fit(language, words) {
    const names = [language.name, language.id, ...language.aliases].map((name) => name.toLowerCase());
    const rules = [(name) => name === words, (name) => name.startsWith(words), (name) => name.includes(words)];
    const found = rules.findIndex((rule) => names.some(rule));
    return found < 0 ? rules.length : found;
}

function matching(languages, words) {
    if (words === "") return languages;
    const fits = new Map(languages.map((language) => [language, fit(language, words)]));
    return languages.filter((one) => fits.get(one) < 3).sort((a, b) => fits.get(a) - fits.get(b));
}

export class LanguagePicker {
    constructor(dialog, onChoose) {
        this.dialog = dialog;
        this.search = dialog.querySelector("input");
        this.list = dialog.querySelector("ul");
        this.onChoose = onChoose;
        this.search.addEventListener("input", () => this.draw());
        dialog.addEventListener("keydown", (event) => this.onKey(event));
        dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    }

    open(languages, current) {
        this.languages = ordered(languages);
        this.current = current;
        this.search.value = "";
        this.draw();
        this.dialog.showModal();
        this.search.focus();
    }

    draw() {
        const words = this.search.value.trim().toLowerCase();
        this.list.replaceChildren(...matching(this.languages, words).map((one) => this.itemOf(one)));
    }

    itemOf(language) {
        const item = document.createElement("li");
        const button = document.createElement("button");
        const version = document.createElement("small");
        button.type = "button";
        version.textContent = language.version;
        button.append(language.name, " ", version);
        button.ariaCurrent = String(language.id === this.current);
        button.addEventListener("click", () => this.choose(language));
        item.append(button);
        return item;
    }

    choose(language) {
        this.dialog.close();
        remember(language.id);
        this.onChoose(language);
    }

    onKey(event) {
        const buttons = [...this.list.querySelectorAll("button")];
        const at = buttons.indexOf(document.activeElement);
        if (event.key === "ArrowDown") (buttons[at + 1] ?? buttons[0])?.focus();
        else if (event.key === "ArrowUp") (at > 0 ? buttons[at - 1] : this.search).focus();
        else if (event.key === "Enter" && at < 0) buttons[0]?.click();
        else return;
        event.preventDefault();
    }
}
