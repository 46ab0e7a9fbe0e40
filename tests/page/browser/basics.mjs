// The page with a program's output: languages, links, keys, looks.
import { readFileSync } from "node:fs";
import { axeFindings, choose, drawn, folder, key, run, settled, text, unfold, withPage, write } from "./stage.mjs";

export const basics = {
  // Each language's own example.
  languages: () => withPage({}, async (page) => {
    const seen = {};
    for (const id of ["python", "javascript", "typescript", "bash", "c", "lua"]) {
      await choose(page, id);
      seen[id] = [await text(page, "language-name"), ...await run(page)];
      if (id === "python") await page.screenshot({ path: `${folder}/light.png` });
    }
    return seen;
  }),

  // Output comes before the program ends; Stop ends it.
  streams: () => withPage({}, async (page) => {
    await choose(page, "bash");
    await write(page, "echo first; echo bad >&2; sleep 20; echo last");
    await page.click("#run");
    await page.waitForFunction(() => document.getElementById("output").textContent.includes("bad"));
    const before = [await text(page, "status"), await page.textContent("#output .stdout"), await page.textContent("#output .stderr")];
    await page.click("#stop");
    await settled(page);
    return [...before, await text(page, "status")];
  }),

  async compile() {
    return withPage({}, async (page) => {
      await choose(page, "c");
      await write(page, "int main(void)\n{\n    return x;\n}\n");
      const [status] = await run(page);
      await page.click("#output .place");
      await page.keyboard.insertText("0; // ");
      const line = await page.evaluate(() => document.getElementById("editor").shadowRoot
        .querySelectorAll(".cm-line")[2].textContent);
      return [status, line];
    });
  },

  // A link opens the same program elsewhere, and does not run it.
  share: () => withPage({}, async (page) => {
    await choose(page, "bash");
    await write(page, "cat input.txt; echo $1 $WORD");
    await page.click("#add-file");
    await write(page, "a part\n");
    await page.keyboard.press("Escape");
    await unfold(page);
    await page.fill("#arguments", "one");
    await page.fill("#variables", "WORD=two");
    await page.click("#share");
    await page.waitForFunction(() => location.hash.length > 10);
    const link = new URL(page.url());
    return withPage({ path: link.pathname + link.hash }, async (other) => {
      const before = [await text(other, "status"), await other.textContent("#tabs")];
      return [...before, ...await run(other)];
    });
  }),

  // The embedded view never uses a stored key.
  embed: () => withPage({ path: "/?embed=1" }, async (page) => {
    const hidden = await page.isHidden("h1");
    await page.click("#run");
    await page.waitForSelector("#key-dialog[open]");
    return [hidden, true];
  }),

  key: () => withPage({ withKey: false }, async (page) => {
    await page.click("#run");
    await page.fill("#key-input", "cc_wrong");
    await page.click("text=Use this key");
    await page.waitForFunction(() => document.getElementById("status").className === "bad");
    const refused = [await text(page, "status"), await text(page, "output")];
    await page.click("#run");
    await page.fill("#key-input", key);
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.getElementById("status").textContent === "Done");
    const places = await page.evaluate(() => [location.href.includes("cc_"), JSON.stringify(localStorage).includes("cc_")]);
    return [...refused, ...places];
  }),

  // Nothing is wider than a small phone.
  phone: () => withPage({ viewport: { width: 360, height: 740 } }, async (page) => {
    await run(page);
    await page.screenshot({ path: `${folder}/phone.png`, fullPage: true });
    return page.evaluate(() => document.documentElement.scrollWidth);
  }),

  dark: () => withPage({ colorScheme: "dark" }, async (page) => {
    await run(page);
    await page.screenshot({ path: `${folder}/dark.png` });
    return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  }),

  // Without a mouse: choose a language, write, run.
  keyboard: () => withPage({}, async (page) => {
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.keyboard.type("bash");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Control+A");
    await page.keyboard.insertText("echo typed");
    await page.keyboard.press("Control+Enter");
    await page.waitForFunction(() => document.getElementById("status").textContent === "Done");
    await drawn(page);
    return text(page, "output");
  }),

  // Findings of axe that are serious or critical, in both looks and in the dialogs.
  async accessible() {
    const found = [];
    for (const colorScheme of ["light", "dark"]) {
      await withPage({ colorScheme, bypassCSP: true }, async (page) => { // axe styles what it looks at
        await run(page);
        for (const opener of [null, "#language", "#copy", "#key"]) {
          if (opener) await page.click(opener);
          found.push(...await axeFindings(page, `${colorScheme} ${opener}`));
          if (opener) await page.keyboard.press("Escape");
        }
      });
      await withPage({ colorScheme, bypassCSP: true, path: "/?embed=1" }, async (page) => {
        found.push(...await axeFindings(page, `${colorScheme} embedded`));
      });
    }
    return found;
  },

  // Files that come back: a picture is shown, and each can be saved.
  files: () => withPage({}, async (page) => {
    await choose(page, "bash");
    await write(page, "echo text > a.txt; base64 -d > dot.png <<< iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==");
    await unfold(page);
    await page.fill("#outputs", "*.txt, *.png");
    await run(page);
    await page.waitForFunction(() => document.querySelector("#files img")?.naturalWidth === 1);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=a.txt (5 bytes)")]);
    return [await page.$$eval("#files a", (links) => links.map((link) => link.textContent)), download.suggestedFilename(),
            readFileSync(await download.path(), "utf8")];
  }),

  // Ten megabytes, and markup: the page stays usable, and nothing of it runs.
  large: () => withPage({}, async (page) => {
    await choose(page, "bash");
    await write(page, "yes 0123456789012345678901234567890123456789012345678 | head -c 10000000; echo end");
    const [status, output] = await run(page);
    const cut = output.length < 1_000_000 && output.endsWith("5\nThe output was longer than the limit, and is cut.\n");
    await write(page, "echo '<img src=x onerror=\"window.hacked = 1\"><script>window.hacked = 2</script>'");
    const [, markup] = await run(page);
    return [status, cut, markup, await page.evaluate(() => window.hacked ?? null)];
  }),

  // What "Copy as" gives, for a program with every option.
  snippets: () => withPage({}, async (page) => {
    await choose(page, "python");
    await write(page, "import os, sys\nprint('it\\'s', input(), sys.argv[1:], os.environ['WORD'], open('input.txt').read())\n");
    await page.click("#add-file");
    await write(page, "a \"quoted\" part");
    await unfold(page);
    await page.fill("#stdin", "given");
    await page.fill("#arguments", "one two\nthree's");
    await page.fill("#variables", "WORD=a=b");
    await page.fill("#timeout", "30");
    await page.click("#copy");
    const texts = {};
    for (const name of await page.$$eval("#copy-kind option", (options) => options.map((one) => one.value))) {
      await page.selectOption("#copy-kind", name);
      texts[name] = await text(page, "copy-text");
    }
    return texts;
  }),
};
