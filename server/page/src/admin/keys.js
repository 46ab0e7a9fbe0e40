// Keys: their table, and the dialogs that make, change and revoke them. A new key's secret is shown once and forgotten.
import { byId, countOf, drawTable, element, timeOf } from "./view.js";

const PAGE = 100;

const dateInput = (text) => {
    if (!text) return "";
    const time = new Date(text);
    return new Date(time.getTime() - time.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
};
const numberOrNull = (value) => (value === "" ? null : Number(value));

// What the form says, as the API's fields.
function fieldsOf(form) {
    const data = new FormData(form);
    return {
        name: data.get("name"),
        scopes: data.getAll("scopes"),
        rate_per_minute: Number(data.get("rate_per_minute")),
        max_timeout: numberOrNull(data.get("max_timeout")),
        credits: numberOrNull(data.get("credits")),
        expires_at: data.get("expires_at") ? new Date(data.get("expires_at")).toISOString() : null,
        reuse: data.get("reuse") || null,
    };
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

// Only what differs, so that two operators do not undo each other's changes.
function changesOf(form, key, before) {
    const after = fieldsOf(form), add = Number(new FormData(form).get("add"));
    const changes = Object.fromEntries(Object.entries(after).filter(([name, value]) => !same(value, before[name])));
    if (add) changes.credits = { add };
    return changes;
}

function stateOf(key) {
    if (key.revoked_at) return "revoked";
    return key.expires_at && Date.parse(key.expires_at) < Date.now() ? "expired" : "in force";
}

export class Keys {
    constructor(api, onRefused) {
        this.api = api;
        this.onRefused = onRefused;
        this.keys = [];
        this.cursor = null;
        this.editing = null; // the key that is being changed; null: a new one
        byId("new-key").addEventListener("click", () => this.edit(null));
        byId("more-keys").addEventListener("click", () => this.load(this.cursor));
        byId("show-revoked").addEventListener("change", () => this.draw());
        byId("edit-form").addEventListener("submit", (event) => {
            event.preventDefault();
            this.save();
        });
        byId("revoke-submit").addEventListener("click", () => this.revoke());
        byId("copy-secret").addEventListener("click", () => navigator.clipboard.writeText(byId("secret").value)
            .then(() => (byId("copy-secret").textContent = "Copied"), () => getSelection().selectAllChildren(byId("secret"))));
        byId("secret-dialog").addEventListener("close", () => (byId("secret").value = ""));
        for (const button of document.querySelectorAll("dialog .cancel"))
            button.addEventListener("click", () => button.closest("dialog").close());
    }

    async load(cursor = null) {
        try {
            const page = await this.api().get("keys", { limit: PAGE, cursor });
            this.keys = cursor ? [...this.keys, ...page.items] : page.items;
            this.cursor = page.next_cursor;
            this.draw();
        } catch (error) {
            this.onRefused(error);
        }
    }

    buttons(key) {
        if (key.revoked_at) return "";
        return element("span", {},
            element("button", { type: "button", onclick: () => this.edit(key), ariaLabel: `Change ${key.name}` }, "Change"),
            element("button", { type: "button", onclick: () => this.ask(key), ariaLabel: `Revoke ${key.name}` }, "Revoke"));
    }

    draw() {
        const shown = this.keys.filter((key) => byId("show-revoked").checked || !key.revoked_at);
        byId("more-keys").hidden = this.cursor === null;
        drawTable(byId("keys"), [
            { head: "Name", of: (key) => key.name },
            { head: "Id", of: (key) => key.key_id, kind: "id" },
            { head: "May", of: (key) => key.scopes.join(", ") },
            { head: "Requests a minute", of: (key) => countOf(key.rate_per_minute), kind: "number" },
            { head: "Credits", of: (key) => (key.credits === null ? null : countOf(key.credits)), kind: "number" },
            { head: "Face", of: (key) => key.face },
            { head: "Made", of: (key) => timeOf(key.created_at) },
            { head: "Ends", of: (key) => timeOf(key.expires_at) },
            { head: "State", of: stateOf },
            { head: "Actions", of: (key) => this.buttons(key) },
        ], shown, { rowClass: (key) => (stateOf(key) === "in force" ? "" : "over") });
    }

    // After a change. The table is made anew, and the focus goes back to the button that it was on.
    async reload() {
        const label = document.activeElement.ariaLabel;
        await this.load();
        if (document.activeElement !== document.body) return;
        const buttons = [...byId("keys").querySelectorAll("button")];
        (buttons.find((button) => button.ariaLabel === label) ?? byId("new-key")).focus();
    }

    // Dialogs.

    edit(key) {
        const form = byId("edit-form"), old = key ?? { name: "", scopes: ["execute", "read"], rate_per_minute: 100,
            credits: null, max_timeout: null, expires_at: null, reuse: null };
        this.editing = key;
        form.reset();
        byId("edit-title").textContent = key ? `Key ${key.name}` : "New key";
        byId("edit-submit").textContent = key ? "Save" : "Make";
        byId("edit-error").textContent = "";
        byId("add-label").hidden = key === null || key.credits === null;
        for (const name of ["name", "rate_per_minute", "credits", "max_timeout", "reuse"]) form.elements[name].value = old[name] ?? "";
        form.elements.expires_at.value = dateInput(old.expires_at);
        for (const box of form.elements.scopes) box.checked = old.scopes.includes(box.value);
        this.before = fieldsOf(form);
        byId("edit-dialog").showModal();
        form.elements.name.focus();
    }

    async save() {
        const form = byId("edit-form");
        try {
            if (this.editing) {
                const changes = changesOf(form, this.editing, this.before);
                if (Object.keys(changes).length > 0) await this.api().ask("PATCH", `keys/${this.editing.key_id}`, { body: changes });
            } else {
                const made = await this.api().ask("POST", "keys", { body: fieldsOf(form) });
                byId("secret").value = made.key;
                byId("copy-secret").textContent = "Copy";
            }
        } catch (error) {
            byId("edit-error").textContent = error.message;
            return;
        }
        byId("edit-dialog").close();
        if (!this.editing) byId("secret-dialog").showModal();
        await this.reload();
    }

    ask(key) {
        this.editing = key;
        byId("revoke-error").textContent = "";
        byId("revoke-text").textContent = `The next request with ${key.name} (${key.key_id}) is refused. What it has running ` +
            "goes on to its end. This cannot be taken back.";
        byId("revoke-dialog").showModal();
        byId("revoke-dialog").querySelector(".cancel").focus();
    }

    async revoke() {
        try {
            await this.api().ask("DELETE", `keys/${this.editing.key_id}`);
        } catch (error) {
            byId("revoke-error").textContent = error.message;
            return;
        }
        byId("revoke-dialog").close();
        await this.reload();
    }
}
