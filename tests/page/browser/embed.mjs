// What a reader of examples/embed.html does, in headless Chromium: node embed.mjs PICTURE URL KEY. Prints JSON.
import { chromium } from "playwright-core";

const [picture, url, key] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await browser.newPage();
await page.goto(url);
const frame = page.frameLocator("iframe");
// The editor is there before the link's program, which is unpacked.
await frame.locator("#editor .cm-content", { hasText: "def fib" }).waitFor();
await frame.locator("#status", { hasText: "Ready." }).waitFor();
const before = [await frame.locator("#editor .cm-content").textContent(), await frame.locator("#status").textContent()];
await frame.locator("#run").click();
await frame.locator("#key-input").fill(key);
await frame.locator("#key-input").press("Enter");
await frame.locator("#status", { hasText: "Done" }).waitFor();
await frame.locator("#output", { hasText: "34" }).waitFor();
await page.screenshot({ path: picture });
console.log(JSON.stringify([...before, await frame.locator("#output").textContent()]));
await browser.close();
