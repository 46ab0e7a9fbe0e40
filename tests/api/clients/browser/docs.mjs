// Opens /docs in Chromium and runs its example with a key: node docs.mjs BASE KEY dark|light WIDTH
// Prints {operations, status, answer, background, width, complaints, others}.
import { chromium } from 'playwright-core';

const [base, key, scheme, width] = process.argv.slice(2);
const complaints = []; // of the console, also about the Content-Security-Policy
const others = []; // requests to another server

const browser = await chromium.launch({ executablePath: process.env.BROWSER, args: ['--no-sandbox'] });
const page = await browser.newPage({ colorScheme: scheme, viewport: { width: Number(width), height: 800 } });
page.on('console', (message) => message.type() !== 'log' && complaints.push(message.text()));
page.on('pageerror', (error) => complaints.push(error.message));
page.on('request', (request) => /^(data:|blob:)/.test(request.url()) || request.url().startsWith(`${base}/`) ||
  others.push(request.url()));

await page.goto(`${base}/docs`);
await page.waitForSelector('.opblock');
const operations = await page.locator('.opblock').count();

await page.click('.btn.authorize');
await page.fill('.auth-container input >> nth=0', key);
await page.click('.auth-container .btn.authorize >> nth=0');
await page.click('.btn-done >> nth=0');

const execute = page.locator('#operations-Run-execute');
await execute.locator('.opblock-summary-control').click();
await execute.locator('.execute').click();
const answer = execute.locator('.live-responses-table tbody');
await answer.waitFor();
console.log(JSON.stringify({
  operations,
  status: (await answer.locator('.response-col_status').first().innerText()).trim(),
  answer: await answer.locator('.highlight-code').first().innerText(),
  background: await page.evaluate(() => getComputedStyle(document.body).backgroundColor),
  width: await page.evaluate(() => document.documentElement.scrollWidth),
  complaints,
  others,
}));
await browser.close();
