// A customer at the hosted install page: opens the link in Chromium, and sees and
// presses what a person would. Every step says what must be seen after it, and asks the
// API what has come of it. On each page axe-core looks for what would keep people out,
// and pictures are taken in light, dark and on a phone.
//
//   node install.cjs DIRECTORY-OF-PLAYWRIGHT-AND-AXE STEP…
//
// WORLD is JSON: where the page and the API are, and a key to ask with.
const assert = require("node:assert/strict");
const {
  connections, drive, endTokens, installations, look: lookAt, numbered, steps, world, wrong,
} = require("./chromium.cjs");

const scripts = world.scripts !== false;
const content = async () => (await installations())[0].config.content;

/** Addresses that other servers were told. */
const referers = [];

const look = (page, name) => lookAt(page, numbered(name));

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
    const [before] = await connections();
    await endTokens();
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

drive(world.customer, {
  options: { javaScriptEnabled: scripts },
  async watch(context) {
    context.on("console", (message) => {
      const line = `${message.type()}: ${message.text()}`;
      // A refusal is an answer, too; what the policy stops is a mistake of ours.
      if (/Content Security Policy|Refused to/.test(line)) wrong.push(line);
    });
    const here = ({ hostname }) => hostname === "127.0.0.1";
    await context.route((url) => !here(url), (route) => {
      referers.push(route.request().headers().referer);
      return route.fulfill({
        contentType: "image/svg+xml",
        body: '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><rect width="40" height="40" rx="8" fill="#0b7a53"/></svg>',
      });
    });
  },
  begin: (page) => page.goto(world.page),
  walk: steps.map((name) => [name, STEPS[name]]),
});
