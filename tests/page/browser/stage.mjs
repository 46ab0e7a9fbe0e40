// The browser, and what all scenarios do with the playground.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const [folder, url, key, ...names] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
export const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
export const complaints = []; // of any page: errors in scripts, and what the Content-Security-Policy has stopped

// In each document, also in frames that have no storage.
function storeKey(value) {
  try {
    sessionStorage.setItem("codecell.key", value);
  } catch {
    // the sandbox
  }
}

// hostile: what is shown in it may try what the policy forbids.
export async function newPage({ withKey = true, path = "/", hostile = false, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(90_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (hostile || !/Content Security Policy/.test(message.text())) return;
    complaints.push(`${message.text()} ${JSON.stringify(message.location())}`);
  });
  if (withKey) await page.addInitScript(storeKey, key);
  await page.goto(url + path);
  await page.waitForFunction(() => document.getElementById("language-name").textContent !== "…");
  return page;
}

export const text = (page, id) => page.textContent(`#${id}`);
export const settled = (page) => page.waitForFunction(() => !document.getElementById("run").disabled);

export async function choose(page, name) {
  await page.click("#language");
  await page.fill("#language-search", name);
  await page.keyboard.press("Enter");
}

export async function write(page, code) {
  await page.click("#editor .cm-content");
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Delete"); // or the browser would give the text the style of what it replaces
  await page.keyboard.insertText(code);
}

// Output is drawn with the next frame. A frame that has begun may be too late for it, so this waits for the end of another.
export const drawn = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

export async function run(page) {
  await page.click("#run");
  await settled(page);
  await drawn(page);
  return [await text(page, "status"), await text(page, "output")];
}

export async function withPage(options, work) {
  const page = await newPage(options);
  try {
    return await work(page);
  } finally {
    await page.context().close();
  }
}

// Findings of axe that are serious or critical.
export async function axeFindings(page, where) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run({ exclude: [["iframe.made"]] }));
  return violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `${where}: ${id}: ${nodes[0].html.slice(0, 100)}`);
}

// Opens the parts that are folded.
export const unfold = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
