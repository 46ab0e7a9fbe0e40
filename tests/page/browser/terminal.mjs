// Programs in a terminal, and a server that goes away.
import { once } from "node:events";
import { createServer } from "node:http";
import { axeFindings, choose, folder, run, settled, text, unfold, url, withPage, write } from "./stage.mjs";

// The terminal's text, as screen readers get it.
const shown = (page) => page.$$eval("#terminal .xterm-accessibility-tree > div", (rows) =>
  rows.map((row) => row.textContent.replaceAll("\u00a0", " ").trimEnd()).join("\n"));

const awaitText = (page, words) => page.waitForFunction((wanted) =>
  [...document.querySelectorAll("#terminal .xterm-accessibility-tree > div")]
    .some((row) => row.textContent.replaceAll("\u00a0", " ").includes(wanted)), words);

// Writes a program that gets its input from the terminal alone.
async function bash(page, code) {
  await choose(page, "bash");
  await unfold(page);
  await page.fill("#stdin", "");
  await write(page, code);
}

export const terminal = {
  // A program that reads input has a terminal by itself; what is typed and pasted reaches it, and Ctrl-C interrupts it.
  terminal: () => withPage({}, async (page) => {
    const before = await page.getAttribute("#in-terminal", "aria-pressed");
    await bash(page, "trap 'echo caught' INT\nstty size\nread -p 'name? ' name; echo \"hello $name\"\nread -p 'more? ' more; echo \"got ${#more}\"\nsleep 10; tty; exit 3");
    const pressed = await page.getAttribute("#in-terminal", "aria-pressed");
    await page.click("#run");
    await awaitText(page, "name?");
    await page.keyboard.type("wörld\n");
    await awaitText(page, "hello wörld");
    await awaitText(page, "more?");
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.setData("text/plain", `${"x".repeat(500)}\n`);
      document.querySelector("#terminal textarea").dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
    });
    await awaitText(page, "got 500");
    await page.keyboard.press("Control+C");
    await awaitText(page, "caught");
    await settled(page);
    await page.screenshot({ path: `${folder}/terminal.png` });
    return [before, pressed, await text(page, "status"), /\/dev\/pts\/\d/.test(await shown(page))];
  }),

  // Its size follows the window's.
  resize: () => withPage({}, async (page) => {
    await bash(page, "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done");
    await page.click("#in-terminal");
    await page.click("#run");
    await awaitText(page, "ready");
    await page.setViewportSize({ width: 900, height: 600 });
    await settled(page);
    await page.waitForFunction(() => /\d+ \d+/.test(document.querySelector("#terminal .xterm-accessibility-tree").textContent));
    return /(\d+) (\d+)/.exec(await shown(page)).slice(1).map(Number);
  }),

  // F6 leaves the terminal, Stop ends the program, and the next run without a terminal has the plain output.
  leave: () => withPage({}, async (page) => {
    await bash(page, "read line");
    await page.click("#run");
    await page.waitForSelector("#terminal .xterm");
    await page.waitForFunction(() => document.activeElement.closest("#terminal"));
    await page.keyboard.press("F6");
    const focused = await page.evaluate(() => document.activeElement.id);
    await page.keyboard.press("Enter");
    await settled(page);
    const stopped = await text(page, "status");
    await page.click("#in-terminal");
    await write(page, "echo plain; read line");
    return [focused, stopped, ...await run(page), await page.isHidden("#terminal")];
  }),

  // Files come back from a terminal, too.
  filesOfTerminal: () => withPage({}, async (page) => {
    await bash(page, "echo '<b>bold</b>' > a.html");
    await page.fill("#outputs", "*.html");
    await page.click("#in-terminal");
    await page.click("#run");
    await page.waitForFunction(() => document.querySelector("#files iframe.made")?.style.height);
    return (await (await page.$("#files iframe.made")).contentFrame()).textContent("b");
  }),

  // A program that does not compile shows the messages with their links, not an empty terminal.
  notCompiled: () => withPage({}, async (page) => {
    await choose(page, "c");
    await unfold(page);
    await page.fill("#stdin", "");
    await write(page, "#include <stdio.h>\nint main(void)\n{\n    getchar(\n}\n");
    await page.click("#run");
    await settled(page);
    await page.click("#output .place");
    return text(page, "status");
  }),

  terminalLooks: async () => {
    const found = [];
    for (const colorScheme of ["light", "dark"]) {
      await withPage({ colorScheme, bypassCSP: true }, async (page) => {
        await bash(page, "read -p 'name? ' name");
        await page.click("#run");
        await awaitText(page, "name?");
        if (colorScheme === "dark") await page.screenshot({ path: `${folder}/terminal-dark.png` });
        found.push(...await axeFindings(page, `terminal ${colorScheme}`));
      });
    }
    await withPage({ viewport: { width: 360, height: 740 } }, async (page) => {
      await bash(page, "read -p 'name? ' name");
      await page.click("#run");
      await awaitText(page, "name?");
      await page.locator("#terminal").scrollIntoViewIfNeeded();
      await page.screenshot({ path: `${folder}/terminal-phone.png` });
      found.push(await page.evaluate(() => document.documentElement.scrollWidth));
    });
    return found;
  },

  // The server goes away and comes back, as whoever reads these lines makes it.
  away: () => withPage({}, async (page) => {
    await bash(page, "echo here");
    console.log("stop the server");
    await page.waitForFunction(() => fetch("health").then(() => false, () => true), null, { polling: 100 });
    await page.click("#run");
    await settled(page);
    const gone = await text(page, "status");
    console.log("start the server");
    await page.waitForFunction(() => document.getElementById("status").textContent === "The server answers again.");
    return [gone, ...await run(page)];
  }),

  // An open page: nobody is asked for a key, with and without a terminal.
  open: () => withPage({ withKey: false }, async (page) => {
    await bash(page, "echo open");
    const seen = await run(page);
    await write(page, "read -p 'name? ' name; exit 4");
    await page.click("#run");
    await awaitText(page, "name?");
    await page.keyboard.type("me\n");
    await settled(page);
    return [...seen, await text(page, "status")];
  }),

  // The same as a part of a course's page, with what the program makes.
  openEmbedded: () => withPage({ withKey: false }, async (page) => {
    await bash(page, "echo '<b>bold</b>' > a.html; echo open");
    await page.fill("#outputs", "a.html");
    await page.click("#share");
    await page.waitForFunction(() => location.hash.length > 10);
    const { hash } = new URL(page.url());
    const course = createServer((_, answer) => answer.setHeader("Content-Type", "text/html")
      .end(`<!doctype html><iframe width="900" height="700" src="${url}/?embed=1${hash}"></iframe>`)).listen(0, "127.0.0.1");
    await once(course, "listening");
    await page.goto(`http://127.0.0.1:${course.address().port}/`);
    const frame = await (await page.waitForSelector("iframe")).contentFrame();
    await frame.waitForFunction(() => document.getElementById("language-name")?.textContent === "Bash");
    const before = await frame.textContent("#status");
    await frame.click("#run");
    await frame.waitForFunction(() => document.querySelector("#files iframe.made")?.style.height);
    const made = await (await frame.$("#files iframe.made")).contentFrame();
    await page.screenshot({ path: `${folder}/embedded.png` });
    course.closeAllConnections();
    course.close();
    return [before, await frame.textContent("#output"), await made.textContent("b")];
  }),
};
