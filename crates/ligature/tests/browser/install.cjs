// A customer at the hosted install page: opens the link in Chromium, and sees and
// presses what a person would. Every step says what must be seen after it, and asks the
// API what has come of it. On each page axe-core looks for what would keep people out,
// and pictures are taken in light, dark and on a phone.
//
//   node install.cjs DIRECTORY-OF-PLAYWRIGHT-AND-AXE STEP…
//
// WORLD is JSON: where the page and the API are, and a key to ask with.
const assert = require("node:assert/strict");
const { mkdirSync, mkdtempSync, readFileSync, rmSync } = require("node:fs");
const { createRequire } = require("node:module");
const { tmpdir } = require("node:os");
const { join } = require("node:path");

const [directory, ...steps] = process.argv.slice(2);
const installed = createRequire(directory + "/");
const { chromium } = installed("playwright-core");
const axe = readFileSync(installed.resolve("axe-core/axe.min.js"), "utf8");
const world = JSON.parse(process.env.WORLD);
const screenshots = process.env.SCREENSHOTS;
const scripts = world.scripts !== false;
const PATIENCE_MS = 20_000;
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1100, height: 800 };

/** What the API says, as the builder asks it. */
async function api(path) {
  const answer = await fetch(world.api + path, { headers: { "X-Api-Key": world.key } });
  assert.equal(answer.status, 200, path);
  return answer.json();
}

const connections = () => api(`/connections?groupRef=${world.customer}`);
const installations = () =>
  api(`/integrations/bitbucket/installations?groupRef=${world.customer}`);
const content = async () => (await installations())[0].config.content;

/** What went wrong on the way, though the customer may not have seen it. */
const wrong = [];
/** Addresses that other servers were told. */
const referers = [];

let shots = 0;
/** Looks at a page as it is: pictures, and what axe finds. */
async function look(page, name) {
  const number = String(++shots).padStart(2, "0");
  const file = (kind) =>
    join(screenshots, `${world.customer}-${steps[0]}-${number}-${name}-${kind}.png`);
  for (const [kind, colorScheme, viewport] of [
    ["light", "light", DESK],
    ["dark", "dark", DESK],
    ["phone", "light", PHONE],
  ]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(viewport);
    await page.screenshot({ path: file(kind), fullPage: true });
    if (!scripts) continue;
    const sideways = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.ok(sideways <= 0, `${name} is ${sideways} px too wide (${kind})`);
    const found = await page.evaluate(async (source) => {
      if (!window.axe) (0, eval)(source);
      return window.axe.run(document, { resultTypes: ["violations"] });
    }, axe);
    const serious = found.violations.map(
      ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html).join("; ")}`,
    );
    assert.deepEqual(serious, [], `axe at ${name} (${kind})`);
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(DESK);
}

/** Goes to the provider's page and decides there. */
async function consent(page, button, decision) {
  await page.getByRole("button", { name: button, exact: true }).click();
  await page.getByRole("button", { name: decision }).click();
  await page.waitForURL(/\/install\//);
}

const field = (page) => page.getByLabel("Workspace", { exact: true });

const STEPS = {
  async logo(page) {
    await page.getByRole("heading", { name: "Connect Bitbucket" }).waitFor();
    const drawn = await page.locator("header img").evaluate((img) => img.naturalWidth);
    assert.ok(drawn > 0, "the policy lets the logo through");
    assert.deepEqual(referers, [undefined], "and the page's address is not told for it");
    const color = await page
      .getByRole("button", { name: "Connect Bitbucket" })
      .evaluate((button) => getComputedStyle(button).backgroundColor);
    assert.equal(color, "rgb(11, 122, 83)");
    await look(page, "connect");
    // A broken link, from here on.
    const good = page.url();
    await page.goto(good.slice(0, -3));
    await page.getByRole("heading", { name: "This link is not complete" }).waitFor();
    await look(page, "broken");
    await page.goto(good);
  },

  async deny(page) {
    await page.getByRole("button", { name: "Connect Bitbucket" }).click();
    await page.getByText("Please fill this in.").waitFor();
    await look(page, "nothing-said");
    await field(page).fill("acme");
    await consent(page, "Connect Bitbucket", "Deny");
    await page.getByText("Access was not granted").waitFor();
    await look(page, "denied");
    assert.deepEqual(await connections(), []);
  },

  async nowhere(page) {
    await field(page).fill("acmee");
    await consent(page, "Connect Bitbucket", "Grant access");
    await page.getByRole("heading", { name: "Bitbucket shows nothing here" }).waitFor();
    assert.equal(await field(page).inputValue(), "acmee");
    await look(page, "nowhere");
    await page.getByRole("link", { name: "Disconnect Bitbucket" }).click();
    await page.getByRole("button", { name: "Disconnect" }).click();
    await page.getByText("Disconnected. Nothing is read any more.").waitFor();
    assert.deepEqual(await connections(), []);
  },

  async connect(page) {
    await field(page).fill("acme");
    await consent(page, "Connect Bitbucket", "Grant access");
    await page.getByText("The account is connected.").waitFor();
    const [connection] = await connections();
    assert.equal(connection.providerMetadata.workspace.value, "acme");
    assert.deepEqual(await installations(), []);
  },

  async mistake(page) {
    // What has to be mapped is not guessed, and what was chosen stays.
    await page.getByLabel("Language").check();
    await page.getByRole("checkbox", { name: "Projects" }).uncheck();
    await page.getByRole("button", { name: "Install" }).click();
    await page.getByText("Choose a field", { exact: true }).waitFor();
    assert.ok(await page.getByLabel("Language").isChecked());
    assert.ok(!(await page.getByRole("checkbox", { name: "Projects" }).isChecked()));
    if (scripts) assert.equal(await page.evaluate(() => document.activeElement.tagName), "SELECT");
    await look(page, "mistake");
  },

  async install(page) {
    await page.getByLabel("Label").selectOption("full_name");
    await look(page, "chosen");
    await page.getByRole("button", { name: "Install" }).click();
    await page.getByText("Done. Reading has begun.").waitFor();
    await page.getByRole("heading", { name: "Repositories" }).waitFor();
    await look(page, "begun");
    const { read } = await content();
    assert.deepEqual(read.objects.repositories.selectedFields, { language: true });
    assert.deepEqual(read.objects.repositories.selectedFieldMappings, { label: "full_name" });
    assert.ok(!("projects" in read.objects));
  },

  async installed(page) {
    await page.getByText("Working").waitFor();
    await page.getByText("4 fields").click();
    await page.getByText("Label (Full Name)").waitFor();
    await look(page, "installed");
  },

  async edit(page) {
    await page.getByRole("link", { name: "Change what is read" }).click();
    await page.getByRole("checkbox", { name: "Projects" }).check();
    const projects = page.getByRole("group", { name: "Projects" });
    await projects.getByLabel("All of them").check();
    if (scripts) {
      const fields = projects.locator("[data-field]");
      assert.equal(await fields.evaluateAll((all) => all.every((one) => one.checked)), true);
    }
    await page.getByLabel("Description", { exact: true }).first().check();
    await look(page, "edit");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Your changes are saved").waitFor();
    await look(page, "saved");
    const { objects } = (await content()).read;
    assert.equal(objects.projects.selectedFieldsAuto, "all");
    assert.deepEqual(objects.repositories.selectedFields, { language: true, description: true });
    assert.deepEqual(objects.repositories.selectedFieldMappings, { label: "full_name" });
  },

  async expired(page) {
    // The provider takes neither the token nor its refresh any more.
    const [before] = await connections();
    const ended = await fetch(world.sandbox + "tokens", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ expire_access: true, revoke_refresh: true }),
    });
    assert.equal(ended.status, 204);
    await page.getByRole("link", { name: "Change what is read" }).click();
    await page.getByRole("heading", { name: "Connect Bitbucket again" }).waitFor();
    await look(page, "expired");
    await page.goto(world.page);
    await page.getByText("no longer accepts this connection").waitFor();
    await look(page, "bad");
    await consent(page, "Connect again", "Grant access");
    await page.getByText("Working").waitFor();
    const [after, ...others] = await connections();
    assert.deepEqual([after.id, others], [before.id, []]);
  },

  async disconnect(page) {
    await page.getByRole("link", { name: "Disconnect" }).click();
    await look(page, "sure");
    await page.getByRole("link", { name: "Keep it" }).click();
    assert.equal((await installations()).length, 1);
    await page.getByRole("link", { name: "Disconnect" }).click();
    await page.getByRole("button", { name: "Disconnect" }).click();
    await page.getByText("Disconnected. Nothing is read any more.").waitFor();
    await look(page, "disconnected");
    assert.deepEqual(await installations(), []);
    assert.deepEqual(await connections(), []);
  },

  async many(page) {
    const box = page.getByRole("group", { name: /^Repositories_of/ });
    await look(page, "many-closed");
    await box.getByText("0 of 200 chosen").click();
    await look(page, "many-open");
    await box.getByLabel("Find a field").fill("field 19");
    assert.equal(await box.locator(".ticks label:visible").count(), 11);
    await box.getByLabel("Custom Field 199").check();
    await box.getByLabel("Find a field").fill("no such field");
    await box.getByText("No field has that in its name.").waitFor();
    await box.getByLabel("Find a field").fill("");
    await box.getByText("1 of 200 chosen").waitFor();
    // All, and as before.
    await box.getByLabel("All of them").check();
    await box.getByText("200 of 200 chosen").waitFor();
    await box.getByLabel("All of them").uncheck();
    await box.getByText("1 of 200 chosen").waitFor();
    // By the keyboard alone.
    const object = box.getByRole("checkbox").first();
    await object.focus();
    await page.keyboard.press("Space");
    assert.ok(!(await object.isChecked()));
    assert.ok(await box.locator(".body").isHidden());
    await page.keyboard.press("Space");
    await page.getByRole("button", { name: "Install" }).click();
    await page.getByText("There is no such field in your account.").waitFor();
    if (scripts) {
      const at = await page.evaluate(() => document.activeElement.value);
      assert.equal(at, "custom_field_199");
    }
    await look(page, "many-refused");
  },

  async removed(page) {
    await page.getByText("Bitbucket does not offer this any more.").waitFor();
    assert.ok(await page.getByRole("checkbox", { name: "Linkers" }).isDisabled());
    await page.getByLabel("Custom Field 199").uncheck();
    await page.getByRole("button", { name: "Install" }).click();
    await page.getByText("Done. Reading has begun.").waitFor();
    await look(page, "many-installed");
  },
};

async function main() {
  mkdirSync(screenshots, { recursive: true });
  const profile = mkdtempSync(join(tmpdir(), "chromium-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    headless: true,
    javaScriptEnabled: scripts,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
    viewport: DESK,
  });
  browser.setDefaultTimeout(PATIENCE_MS);
  const log = [];
  browser.on("response", (response) =>
    log.push(`${response.request().method()} ${response.url()}: ${response.status()}`),
  );
  browser.on("console", (message) => {
    const line = `${message.type()}: ${message.text()}`;
    log.push(line);
    // A refusal is an answer, too; what the policy stops is a mistake of ours.
    if (/Content Security Policy|Refused to/.test(line)) wrong.push(line);
  });
  browser.on("weberror", (error) => wrong.push(String(error.error())));
  const here = ({ hostname }) => hostname === "127.0.0.1";
  await browser.route((url) => !here(url), (route) => {
    referers.push(route.request().headers().referer);
    return route.fulfill({
      contentType: "image/svg+xml",
      body: '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><rect width="40" height="40" rx="8" fill="#0b7a53"/></svg>',
    });
  });
  const page = browser.pages()[0] ?? (await browser.newPage());
  try {
    await page.goto(world.page);
    for (const step of steps) {
      const began = Date.now();
      await STEPS[step](page);
      console.log(`${step}: ${Date.now() - began} ms`);
    }
    assert.deepEqual(wrong, []);
  } catch (error) {
    await page.screenshot({ path: join(screenshots, `${world.customer}-failed.png`), fullPage: true });
    console.error(error);
    console.error(wrong.join("\n"));
    console.error(log.join("\n"));
    console.error(await page.locator("body").innerText());
    process.exitCode = 1;
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

main();
