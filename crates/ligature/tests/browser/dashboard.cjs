// A builder at the dashboard, in Chromium: from the link that the server printed to
// the first delivery, and on to everything that can be done with what is there.
//
//   node dashboard.cjs DIRECTORY-OF-PACKAGES
//
// WORLD is JSON: the link, where the server is, and how many repositories there are.
// Each page is looked at in light, dark and at the width of a phone.
const assert = require("node:assert/strict");
const { DESK, PHONE, drive, go, look: lookAt, shot, world, wrong } = require("./chromium.cjs");

const PASSWORD = "correct horse battery";
const MANIFEST = `specVersion: 1.0.0
integrations:
  - name: code
    provider: bitbucket
    read:
      objects:
        - objectName: repositories
          destination: inbox
          schedule: "0 * * * *"
          requiredFields:
            - fieldName: uuid
          optionalFieldsAuto: all
          backfill:
            defaultPeriod:
              fullHistory: true
        - objectName: projects
          destination: inbox
          optionalFieldsAuto: all
          backfill:
            defaultPeriod:
              fullHistory: true
`;

const look = (page, name) => lookAt(page, `dashboard-${name}`, ["minor", "moderate"]);
const said = (page, text) => page.locator(".note", { hasText: text }).first().waitFor();

const STEPS = {
  async firstVisit(page) {
    await look(page, "first-visit");
    await page.getByLabel("E-mail address").fill("ada@example.com");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Create the account" }).click();
    await page.getByRole("heading", { name: "Projects" }).waitFor();
    await look(page, "projects");
    const again = await page.request.get(world.link);
    assert.equal(again.status(), 410, "the link is good once");
  },

  async signInAgain(page) {
    await page.locator("details.account summary").click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await look(page, "sign-in");
    await page.getByLabel("E-mail address").fill("ada@example.com");
    await page.getByLabel("Password").fill("a wrong one");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("The e-mail address or the password is wrong.").waitFor();
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Projects" }).waitFor();
  },

  async anotherProject(page) {
    await page.getByLabel("Name", { exact: true }).fill("another project with a name that is much longer than a name should be");
    await page.getByRole("button", { name: "Create project" }).click();
    await page.getByText("0 of 6").waitFor();
    await look(page, "getting-started");
    await page.locator("details.switch summary").first().click();
    await page.getByRole("link", { name: "app", exact: true }).click();
    await page.getByText("1 of 6").waitFor();
  },

  async providerApp(page) {
    await go(page, "Provider apps");
    await look(page, "provider-apps");
    await page.getByRole("link", { name: "Bitbucket" }).click();
    await look(page, "provider-app-new");
    await page.getByRole("button", { name: "Copy" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    await page.locator("#client_id").fill("sandbox-client");
    await page.locator("#client_secret").fill("sandbox-secret");
    await page.getByRole("button", { name: "Save Changes" }).click();
    await said(page, "Saved.");
    assert.ok(!(await page.content()).includes("sandbox-secret"), "the secret is not shown");
  },

  async deploy(page) {
    await go(page, "Integrations");
    await look(page, "integrations-empty");
    await page.getByRole("link", { name: "Deploy a manifest" }).first().click();
    await page.getByLabel("amp.yaml").fill(MANIFEST.replace("repositories", "repositoris"));
    await page.getByRole("button", { name: "Deploy" }).click();
    await page.getByText("Not deployed: 1 error").waitFor();
    await page.getByText("Did you mean").waitFor();
    await look(page, "deploy-problems");
    // Or by a file.
    await page.getByLabel("Or take a file").setInputFiles({ name: "amp.yaml", mimeType: "text/yaml", buffer: Buffer.from(MANIFEST) });
    await page.waitForFunction((text) => document.getElementById("manifest").value === text, MANIFEST);
    await page.getByRole("button", { name: "Deploy" }).click();
    await said(page, "Deployed: code.");
    await look(page, "integration");
  },

  async consent(page) {
    await go(page, "Provider apps");
    await page.getByRole("link", { name: "Bitbucket" }).click();
    await page.getByText("Worked out from the manifests").waitFor();
    await page.getByLabel("Workspace").fill("acme");
    await page.getByRole("button", { name: "Test the consent" }).click();
    await look(page, "provider-app");
    const opened = page.waitForEvent("popup");
    await page.getByRole("link", { name: "Continue at Bitbucket" }).click();
    const popup = await opened;
    await popup.getByRole("button", { name: "Grant access" }).click();
    // The page that began it goes on by itself.
    await page.waitForURL("**/connections");
    await page.getByText("working").waitFor();
    await look(page, "connections");
  },

  async install(page) {
    await page.getByRole("link", { name: "Test from the dashboard" }).click();
    await look(page, "connection");
    await page.getByRole("button", { name: "Install code" }).click();
    await said(page, "Installed:");
    // The page follows the reads by itself until they have ended.
    const done = page.locator("#reads").getByText("done", { exact: true });
    await done.nth(1).waitFor();
    assert.equal(await done.count(), 2);
    await look(page, "installation");
  },

  async firstDelivery(page) {
    await page.waitForFunction(async (records) => {
      const page = await (await fetch(location.pathname.replace(/\/installations.*/, ""))).text();
      return page.includes(`<strong>${records}</strong> records`) && !page.includes("Getting started");
    }, world.repositories + 12);
    await go(page, "Overview");
    await page.locator(".uplot canvas").nth(2).waitFor();
    await page.getByRole("link", { name: "7 days" }).click();
    await page.locator(".uplot canvas").nth(2).waitFor();
    await look(page, "overview");
    await weigh(page);
  },

  async manage(page) {
    await go(page, "Installations");
    await look(page, "installations");
    await page.getByRole("link", { name: "dashboard-test" }).click();
    await page.getByRole("button", { name: "Pause projects" }).click();
    await said(page, "Paused.");
    await page.getByRole("button", { name: "Go on with projects" }).click();
    await said(page, "Reading goes on.");
    await page.getByRole("button", { name: "Read now projects" }).click();
    await said(page, "projects is being read.");
    await page.getByRole("link", { name: "repositories", exact: true }).click();
    await look(page, "object");
    await page.getByLabel("Schedule").fill("30 * * * *");
    await page.getByLabel("description").uncheck();
    await chooseRecords(page);
    await said(page, "repositories: saved.");
    await page.getByText("30 * * * *", { exact: true }).waitFor();
  },

  async revise(page) {
    await go(page, "Integrations");
    await look(page, "integrations");
    await page.getByRole("link", { name: "code" }).click();
    await page.getByRole("link", { name: "Edit and deploy" }).click();
    const text = await page.getByLabel("amp.yaml").inputValue();
    await page.getByLabel("amp.yaml").fill(text.replace("0 * * * *", "45 * * * *"));
    await page.getByRole("button", { name: "Deploy" }).click();
    await said(page, "Deployed: code.");
    await page.locator("ul.list a").first().click();
    await page.locator(".line.added", { hasText: "45 * * * *" }).waitFor();
    await look(page, "revision");
  },

  async reconnect(page) {
    await go(page, "Connections");
    await page.getByRole("link", { name: "Test from the dashboard" }).click();
    await page.getByRole("button", { name: "Make a link to connect again" }).click();
    await page.getByText("Send this link to the customer.").waitFor();
    await look(page, "reconnect");
  },

  async byKeyboard(page) {
    await page.setViewportSize(PHONE);
    // What a form has answered is a page like others, that can be loaded again.
    await page.goto(page.url());
    await page.getByRole("button", { name: "Navigation" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "Installations", exact: true }).waitFor();
    await shot(page, "dashboard-menu-phone", false);
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Installations", exact: true }).waitFor({ state: "hidden" });
    await page.setViewportSize(DESK);
    await page.keyboard.press("Escape");
  },

  async uninstall(page) {
    await go(page, "Installations");
    await page.getByRole("link", { name: "dashboard-test" }).click();
    await page.getByText("Uninstall…").click();
    await page.getByRole("button", { name: "Uninstall for dashboard-test" }).click();
    await said(page, "Uninstalled.");
  },

  async withoutScript(page) {
    // Reading and saving work without any.
    const browser = await page.context().browser().newContext({
      javaScriptEnabled: false,
      storageState: await page.context().storageState(),
    });
    const plain = await browser.newPage();
    await plain.goto(page.url());
    await go(plain, "Provider apps");
    await plain.getByRole("link", { name: "Bitbucket" }).click();
    await plain.locator("#client_id").fill("sandbox-client");
    await plain.getByRole("button", { name: "Save Changes" }).click();
    await said(plain, "Saved.");
    await go(plain, "Integrations");
    await plain.getByText(/^\d{4}-\d\d-\d\d \d\d:\d\d UTC$/).first().waitFor();
    await go(plain, "Overview");
    await shot(plain, "dashboard-overview-without-script");
    await browser.close();
  },
};

/** Fills what is folded in the form of an object, wrongly first, and saves it. */
async function chooseRecords(page) {
  const part = async (name) => {
    await page.locator("summary", { hasText: name }).click();
    return page.locator("details.part", { hasText: name });
  };
  const words = await part("Words for values");
  await words.getByLabel("Field").first().fill("has_wiki");
  await words.getByLabel("Value at Bitbucket").first().fill("true");
  await words.getByLabel("Word in your app").first().fill("documented");
  const records = await part("Only some records");
  await records.getByLabel("Field", { exact: true }).first().fill("is_private");
  await records.getByLabel("Value", { exact: true }).first().fill("perhaps");
  const rows = () => records.locator(".row:visible").count();
  assert.equal(await rows(), 1);
  for (const there of [2, 3]) {
    await records.getByRole("button", { name: "Add a row" }).click();
    assert.equal(await rows(), there);
  }
  await page.setViewportSize(PHONE);
  assert.equal(await rows(), 3);
  await page.setViewportSize(DESK);
  assert.equal(await records.getByLabel("Value", { exact: true }).last().inputValue(), "");
  const backfill = await part("Backfill");
  await backfill.getByRole("radio", { name: "The last" }).check();
  await backfill.getByLabel("Days back").fill("30");
  await page.getByRole("button", { name: "Save Changes" }).click();
  await page.getByText("`is_private` is compared as true or false").waitFor();
  assert.equal(await backfill.getByLabel("Days back").inputValue(), "30");
  await look(page, "object-refused");
  await records.getByLabel("Value", { exact: true }).first().fill("true");
  await page.getByRole("button", { name: "Save Changes" }).click();
}

/** Bytes of each page of a session, and how long the first of them takes. */
async function weigh(page) {
  const timing = await page.evaluate(() => {
    const [own] = performance.getEntriesByType("navigation");
    const files = performance.getEntriesByType("resource");
    const size = files.reduce((sum, file) => sum + file.encodedBodySize, 0);
    return { page: own.encodedBodySize, files: size, firstByte: own.responseStart - own.requestStart };
  });
  console.log(`overview: ${timing.page} bytes and ${timing.files} of files, first byte after ${timing.firstByte.toFixed(0)} ms`);
}

drive("dashboard", {
  options: { permissions: ["clipboard-read", "clipboard-write"] },
  watch(context) {
    // A policy that something breaks is told here.
    context.on("console", (message) => {
      const { url } = message.location();
      const expected = !url.startsWith(world.url) || /status of (401|422)/.test(message.text());
      if (message.type() === "error" && !expected) wrong.push(`${url}: ${message.text()}`);
    });
  },
  begin: (page) => page.goto(world.link),
  walk: Object.entries(STEPS),
});
