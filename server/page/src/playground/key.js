// The key: asked for once, and kept in this tab's session storage alone. The embedded view never uses a stored one.

const STORED = "codecell.key";

export class Keyring {
    constructor(dialog, embedded) {
        this.dialog = dialog;
        this.embedded = embedded;
        this.input = dialog.querySelector("input");
        this.error = dialog.querySelector("[role=alert]");
        this.memory = null;
        dialog.querySelector("#key-cancel").addEventListener("click", () => dialog.close(""));
        dialog.querySelector("form").addEventListener("submit", (event) => {
            if (this.input.value.trim() === "") event.preventDefault();
            else dialog.returnValue = "key";
        });
    }

    get value() {
        if (this.memory !== null || this.embedded) return this.memory;
        try {
            return sessionStorage.getItem(STORED);
        } catch {
            return null;
        }
    }

    forget() {
        this.memory = null;
        try {
            sessionStorage.removeItem(STORED);
        } catch {
            // there was none
        }
    }

    keep(key) {
        this.memory = key;
        if (this.embedded) return;
        try {
            sessionStorage.setItem(STORED, key);
        } catch {
            // it stays in memory
        }
    }

    // The key, or null if the user does not want to give one. sentence: why it is asked for.
    ask(sentence = "") {
        this.error.textContent = sentence;
        this.input.value = "";
        this.dialog.returnValue = "";
        this.dialog.showModal();
        this.input.focus();
        return new Promise((resolve) => {
            this.dialog.addEventListener("close", () => {
                const key = this.dialog.returnValue === "" ? "" : this.input.value.trim();
                this.input.value = "";
                if (key) this.keep(key);
                resolve(key || null);
            }, { once: true });
        });
    }
}
