// What an operator does with /admin, in headless Chromium: node admin.mjs FOLDER URL ADMIN-KEY OTHER-KEY
// Prints a JSON object of what each scenario saw. Pictures go to FOLDER.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [folder, url, admin, other] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const complaints = []; // of any page: errors in scripts, and what the Content-Security-Policy has stopped

async function withPage({ key = admin, ...options }, work) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(90_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => /Content Security Policy/.test(message.text()) && complaints.push(message.text()));
  if (key) await page.addInitScript((value) => sessionStorage.setItem("codecell.key", value), key);
  await page.goto(`${url}/admin`);
  try {
    return await work(page);
  } finally {
    await context.close();
  }
}

const shown = async (page) => {
  await page.waitForSelector("#main:not([hidden])");
  await page.waitForSelector("#keys tbody tr");
  await page.waitForSelector("#last tbody tr");
};
const text = (page, selector) => page.textContent(selector);
const rowOf = (page, name) => page.locator("#keys tbody tr").filter({ hasText: name });

const scenarios = {
  overview: () => withPage({}, async (page) => {
    await shown(page);
    await page.waitForFunction(() => document.querySelectorAll(".uplot canvas").length === 3);
    await page.screenshot({ path: `${folder}/admin-light.png`, fullPage: true });
    return {
      health: await text(page, "#health"), pool: await text(page, "#pool"), now: await text(page, "#now"),
      hour: await text(page, "#by-language"), last: await text(page, "#last"),
    };
  }),

  search: () => withPage({}, async (page) => {
    await shown(page);
    const id = (await text(page, "#last tbody tr td.id")).trim();
    await page.fill("#search [name=id]", id.slice(0, 8));
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelectorAll("#last tbody tr").length === 1);
    const found = (await text(page, "#last tbody tr td.id")).trim() === id;
    await page.fill("#search [name=id]", "");
    await page.selectOption("#search [name=status]", "lost");
    await page.click("#search button");
    await page.waitForFunction(() => document.querySelector("#last td").className === "empty");
    return [found, await text(page, "#last tbody")];
  }),

  // A key is made, shown once, given credits, and revoked.
  keys: () => withPage({}, async (page) => {
    await shown(page);
    const name = "<b>Zoë</b>";
    await page.click("#new-key");
    await page.fill("#edit-form [name=name]", name);
    await page.fill("#edit-form [name=credits]", "5");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#secret-dialog[open]");
    const secret = await page.inputValue("#secret").catch(() => text(page, "#secret"));
    await page.screenshot({ path: `${folder}/admin-secret.png` });
    await page.click("#secret-dialog .primary");
    await page.waitForFunction(() => document.getElementById("secret").value === "");
    const kept = await page.evaluate((key) => document.documentElement.outerHTML.includes(key)
      || JSON.stringify([localStorage, sessionStorage]).includes(key), secret);
    await rowOf(page, name).waitFor();
    const made = await rowOf(page, name).innerText();
    await rowOf(page, name).getByText("Change").click();
    await page.fill("#edit-form [name=add]", "-9");
    await page.click("#edit-submit");
    await page.waitForFunction(() => document.getElementById("edit-error").textContent !== "");
    const refused = await text(page, "#edit-error");
    await page.fill("#edit-form [name=add]", "45");
    await page.fill("#edit-form [name=rate_per_minute]", "77");
    await page.screenshot({ path: `${folder}/admin-edit.png` });
    await page.click("#edit-submit");
    await page.waitForSelector("#edit-dialog:not([open])", { state: "attached" });
    await rowOf(page, name).filter({ hasText: "50" }).waitFor();
    const changed = await rowOf(page, name).innerText();
    const focus = [await page.evaluate(() => document.activeElement.ariaLabel)];
    await rowOf(page, name).getByText("Revoke").click();
    await page.click("#revoke-submit");
    await rowOf(page, name).waitFor({ state: "detached" });
    focus.push(await page.evaluate(() => document.activeElement.id));
    await page.check("#show-revoked");
    const revoked = await rowOf(page, name).innerText();
    return { secret, kept, made, refused, changed, revoked, focus };
  }),

  // Another key is told so, and a right one then works.
  refused: () => withPage({ key: null }, async (page) => {
    const seen = [];
    await page.fill("#key-input", "cc_wrong");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#refused:not([hidden])");
    seen.push(await text(page, "#refused-text"));
    await page.click("#other-key");
    await page.fill("#key-input", other);
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.getElementById("refused-text").textContent.includes("no admin"));
    seen.push(await text(page, "#refused-text"), await page.isHidden("#main"));
    await page.screenshot({ path: `${folder}/admin-refused.png` });
    await page.click("#other-key");
    await page.fill("#key-input", admin);
    await page.keyboard.press("Enter");
    await shown(page);
    seen.push(await page.evaluate(() => [location.href.includes("cc_"), JSON.stringify(localStorage).includes("cc_")]));
    return seen;
  }),

  // The page stays while the server is away, and goes on when it is back.
  away: () => withPage({}, async (page) => {
    await shown(page);
    await page.route("**/api/v1/admin/**", (route) => route.abort());
    await page.waitForFunction(() => document.getElementById("status").className === "bad");
    const told = [await text(page, "#status"), await page.isVisible("#main")];
    await page.unroute("**/api/v1/admin/**");
    await page.waitForFunction(() => document.getElementById("status").textContent.startsWith("Live"));
    return told;
  }),

  // Nobody looks: it asks nothing.
  hidden: () => withPage({}, async (page) => {
    await shown(page);
    let asked = 0;
    page.on("request", () => asked++);
    await page.evaluate(() => Object.defineProperty(document, "hidden", { value: true, configurable: true }));
    for (let i = 0; i < 4 && (i === 0 || asked > 0); i++) { // the turn that is under way and the last one may still come
      asked = 0;
      await page.waitForTimeout(4000);
    }
    const before = asked;
    await page.evaluate(() => {
      Object.defineProperty(document, "hidden", { value: false, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await page.waitForResponse("**/admin/overview");
    return before;
  }),

  phone: () => withPage({ viewport: { width: 360, height: 740 } }, async (page) => {
    await shown(page);
    await page.screenshot({ path: `${folder}/admin-phone.png`, fullPage: true });
    return page.evaluate(() => document.documentElement.scrollWidth);
  }),

  dark: () => withPage({ colorScheme: "dark" }, async (page) => {
    await shown(page);
    await page.screenshot({ path: `${folder}/admin-dark.png`, fullPage: true });
    return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  }),

  // Without a mouse: to the new key's dialog, out of it, and back to where it was.
  keyboard: () => withPage({}, async (page) => {
    await shown(page);
    await page.focus("#show-revoked");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    const open = await page.evaluate(() => [document.getElementById("edit-dialog").open, document.activeElement.name]);
    await page.keyboard.press("Escape");
    return [...open, await page.evaluate(() => document.activeElement.id)];
  }),

  async accessible() {
    const found = [];
    for (const colorScheme of ["light", "dark"])
      await withPage({ colorScheme, bypassCSP: true }, async (page) => { // axe styles what it looks at
        await shown(page);
        await page.evaluate(axe);
        const look = async () => found.push(...(await page.evaluate(() => axe.run())).violations
          .map(({ id, nodes }) => `${colorScheme} ${id}: ${nodes[0].html}`));
        await look();
        await page.click("#new-key");
        await look();
      });
    return found;
  },
};

const told = {};
try {
  for (const [name, scenario] of Object.entries(scenarios)) told[name] = await scenario();
} finally {
  await browser.close();
}
console.log(JSON.stringify({ told, complaints }));
