// A builder at the dashboard, with scripts, after the first install: adds a
// destination, follows a read, looks at a delivery, makes keys, and so on. Every step
// says what must be seen after it.
//
//   node activity.cjs DIRECTORY-OF-PACKAGES
//
// WORLD is JSON. Each page is looked at in light, dark and at the width of a phone: a
// screenshot goes to SCREENSHOTS, axe must find nothing serious, nothing may be wider
// than the screen.
const assert = require("node:assert/strict");
const { mkdirSync, mkdtempSync, readFileSync, rmSync } = require("node:fs");
const { createRequire } = require("node:module");
const { tmpdir } = require("node:os");
const { join } = require("node:path");

const [directory] = process.argv.slice(2);
const load = createRequire(directory + "/");
const { chromium } = load("playwright-core");
const axe = readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");
const world = JSON.parse(process.env.WORLD);
const screenshots = process.env.SCREENSHOTS;
const PATIENCE_MS = 20_000;

async function until(what, look) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await look())) {
    assert.ok(Date.now() < end, `waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What went wrong on the way, though the builder may not have seen it. */
const wrong = [];

const press = (page, name) => page.getByRole("button", { name, exact: true }).first().click();
const go = (page, name) => page.getByRole("navigation", { name: "Project" }).getByRole("link", { name, exact: true }).click();
const sees = (page, text) => page.getByText(text).first().waitFor();

const LOOKS = {
  light: [{ width: 1280, height: 800 }, "light"],
  dark: [{ width: 1280, height: 800 }, "dark"],
  phone: [{ width: 390, height: 844 }, "light"],
};

/** Looks at the page as it stands, in every light. */
async function look(page, name) {
  for (const [kind, [size, colorScheme]] of Object.entries(LOOKS)) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${name} is ${wide} px too wide: ${kind}`);
    // The driver runs it past the page's policy.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run());
    const bad = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    const told = bad.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join("\n  ")}`);
    assert.deepEqual(told, [], `${name}: ${kind}`);
    await page.screenshot({ path: join(screenshots, `activity-${name}-${kind}.png`), fullPage: true });
  }
  await page.setViewportSize(LOOKS.light[0]);
  await page.emulateMedia({ colorScheme: "light" });
}

const STEPS = {
  // The read goes on as long as the page has not seen it move.
  async operations(page) {
    await go(page, "Operations");
    const bar = page.getByRole("progressbar", { name: "repositories" });
    await bar.waitFor();
    const before = await bar.getAttribute("value");
    await until("the bar to move", async () => Number(await bar.getAttribute("value")) > Number(before || 0));
    await page.screenshot({ path: join(screenshots, "activity-running-light.png"), fullPage: true });
    await page.getByRole("link", { name: "repositories" }).first().click();
    await page.getByRole("progressbar", { name: "repositories" }).waitFor();
    const fast = await fetch(world.sandbox + "latency", {
      method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ms: 0 }),
    });
    assert.ok(fast.ok, `${fast.status}`);
    await page.locator(".badge", { hasText: "done" }).waitFor();
    await page.locator(".facts").getByText("Ended").waitFor();
  },

  async destination(page) {
    await go(page, "Destinations");
    await page.getByRole("link", { name: "Add a destination" }).click();
    await page.getByLabel("Name").fill("second");
    await page.getByLabel("URL").fill(world.receiver);
    await page.getByLabel("Headers").fill("X-Token: s3cret");
    await press(page, "Add the destination");
    await sees(page, "second is there.");
    await press(page, "Send a test message");
    await sees(page, /The test message was taken: 200/);
    await press(page, "Show the secret");
    await page.locator("code", { hasText: /^whsec_/ }).waitFor();
    assert.equal(await page.getByText("s3cret").count(), 0);
  },

  async deliveries(page) {
    await go(page, "Deliveries");
    await page.getByLabel("Status").selectOption("delivered");
    await press(page, "Filter");
    await page.locator("a.id").first().click();
    await page.locator("pre", { hasText: "\"objectName\"" }).waitFor();
    await press(page, "Send it again");
    await sees(page, "It is sent again, with the same id and the same body.");
  },

  async "api-keys"(page) {
    await go(page, "API keys");
    await page.getByLabel("Name").fill("from the browser");
    await press(page, "Make a key");
    const key = await page.locator("code", { hasText: /^lig_.{50}/ }).textContent();
    const asked = () => fetch(`${world.api}/api-keys`, { headers: { "X-Api-Key": key } });
    assert.equal((await asked()).status, 200);
    const row = page.getByRole("row", { name: /from the browser/ });
    await row.getByRole("button", { name: /Revoke/ }).click();
    await sees(page, /is revoked/);
    assert.equal((await asked()).status, 401);
  },

  async notifications(page) {
    await go(page, "Notifications");
    await page.getByLabel("Name").fill("alerts");
    await press(page, "Add the topic");
    await page.getByLabel("connection.error").check();
    await press(page, "Add them");
    await sees(page, "One more event goes to the topic.");
    await press(page, "Let it listen");
    await sees(page, "The destination listens to the topic.");
  },

  async members(page) {
    await go(page, "Members");
    await page.getByLabel("E-mail address").fill("bob@example.com");
    await press(page, "Make an invitation");
    await page.locator("code", { hasText: "/invite?token=" }).waitFor();
  },

  async "jwt-keys"(page) {
    await go(page, "JWT keys");
    await page.getByLabel("Name").fill("back end");
    await page.getByLabel("Public key, RSA, PEM").fill(world.publicKey);
    await press(page, "Register the key");
    await sees(page, /Tokens name it by the kid/);
  },

  async settings(page) {
    await go(page, "Settings");
    await page.getByLabel("App's name").fill("Acme & Sons");
    await press(page, "Save");
    await sees(page, "Saved.");
    await page.getByRole("link", { name: "Audit log" }).click();
    await sees(page, "jwt-key.create");
    await sees(page, "destination.secret.read");
  },
};

async function main() {
  mkdirSync(screenshots, { recursive: true });
  const profile = mkdtempSync(join(tmpdir(), "activity-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    viewport: { width: 1280, height: 800 },
  });
  const page = context.pages()[0] || (await context.newPage());
  page.setDefaultTimeout(PATIENCE_MS);
  page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(String(error)));
  try {
    await page.goto(`${world.url}/sign-in`);
    await page.getByLabel("E-mail address").fill(world.email);
    await page.getByLabel("Password").fill(world.password);
    await press(page, "Sign in");
    await page.getByRole("link", { name: /^app/ }).click();
    for (const [name, step] of Object.entries(STEPS)) {
      try {
        await step(page);
        await look(page, name);
      } catch (error) {
        await page.screenshot({ path: join(screenshots, `activity-${name}-failed.png`), fullPage: true });
        throw new Error(`${name}: ${error.stack}\n${wrong.join("\n")}`);
      }
    }
    assert.deepEqual(wrong, []);
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
