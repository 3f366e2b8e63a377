// What the programs beside this one do alike: Chromium as they drive it, how a page is
// looked at, and what is asked of the API.
//
//   node PROGRAM.cjs DIRECTORY-OF-PACKAGES STEP…
//
// CHROMIUM is where that is, SCREENSHOTS where pictures go, and WORLD, as JSON, what the
// program has to know.
const assert = require("node:assert/strict");
const { mkdirSync, readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { join } = require("node:path");

const [directory, ...steps] = process.argv.slice(2);
const load = createRequire(directory + "/");
const { chromium } = load("playwright-core");
const axe = readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");
const world = JSON.parse(process.env.WORLD);
const PATIENCE_MS = 20_000;
const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const LOOKS = [["light", DESK, "light"], ["dark", DESK, "dark"], ["phone", PHONE, "light"]];

/** What went wrong on the way, though nobody may have seen it. */
const wrong = [];

async function until(what, look) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await look())) {
    assert.ok(Date.now() < end, `waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What the API says, as the builder asks it. */
async function api(path) {
  const answer = await fetch(world.api + path, { headers: { "X-Api-Key": world.key } });
  assert.equal(answer.status, 200, path);
  return answer.json();
}

const connections = () => api(`/connections?groupRef=${world.customer}`);
const installations = () =>
  api(`/integrations/bitbucket/installations?groupRef=${world.customer}`);

/** The provider takes neither the tokens there are nor their refreshes any more. */
async function endTokens() {
  const ended = await fetch(world.sandbox + "tokens", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ expire_access: true, revoke_refresh: true }),
  });
  assert.equal(ended.status, 204);
}

/** Goes to a page of the dashboard by its navigation. */
const go = (page, name) =>
  page.getByRole("navigation", { name: "Project" }).getByRole("link", { name, exact: true }).click();

const shot = (page, name, fullPage = true) =>
  page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`), fullPage });

let shots = 0;
/** A picture's name, by which those of a walk stand in their order. */
function numbered(name) {
  const number = String(++shots).padStart(2, "0");
  return `${world.customer}-${steps[0]}-${number}-${name}`;
}

/**
 * Looks at the page as it stands, in every light: nothing may be wider than the screen,
 * axe must find nothing but what is `tolerated`, and a picture of each is `name`.
 */
async function look(page, name, tolerated = []) {
  for (const [kind, size, colorScheme] of LOOKS) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // Without scripts it is the same page.
    if (world.scripts !== false) {
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.ok(wide <= 0, `${name} is ${wide} px too wide: ${kind}`);
      // The driver runs it past the page's policy.
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => axe.run());
      const bad = violations.filter(({ impact }) => !tolerated.includes(impact));
      const told = bad.map(
        ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html).join("\n  ")}`,
      );
      assert.deepEqual(told, [], `${name}: ${kind}`);
    }
    await shot(page, `${name}-${kind}`);
  }
  await page.setViewportSize(DESK);
  await page.emulateMedia({ colorScheme: "light" });
}

/**
 * Opens a page and takes `walk`, steps with their names, one after the other. `watch` is
 * given the context before there is a page. If one fails, `name` is that of a picture.
 */
async function drive(name, { options = {}, watch = () => {}, begin, walk }) {
  mkdirSync(process.env.SCREENSHOTS, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const context = await browser.newContext({ viewport: DESK, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const log = [];
  context.on("response", (response) =>
    log.push(`${response.request().method()} ${response.url()}: ${response.status()}`),
  );
  context.on("console", (message) => log.push(`${message.type()}: ${message.text()}`));
  context.on("weberror", (error) => wrong.push(String(error.error())));
  await watch(context);
  const page = await context.newPage();
  let at = "begin";
  try {
    await begin(page);
    for (const [step, take] of walk) {
      at = step;
      const began = Date.now();
      await take(page);
      console.log(`${step}: ${Date.now() - began} ms`);
    }
    assert.deepEqual(wrong, []);
  } catch (error) {
    process.exitCode = 1;
    console.error(at, error);
    console.error(wrong.join("\n"));
    console.error(log.join("\n"));
    await shot(page, `${name}-failed`);
    console.error(page.url());
    console.error(await page.locator("body").innerText());
  } finally {
    await browser.close();
  }
}

module.exports = {
  DESK, PHONE, api, connections, drive, endTokens, go, installations, look, numbered, shot,
  steps, until, world, wrong,
};
