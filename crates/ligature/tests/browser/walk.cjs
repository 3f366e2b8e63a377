// A customer at the page of examples/react-install: opens it in Chromium, and sees and
// presses what a person would. Every step says what must be seen after it, and asks the
// API what has come of it.
//
//   node walk.cjs DIRECTORY-OF-PLAYWRIGHT STEP…
//
// WORLD is JSON: where the page and the API are, and a key to ask with.
const assert = require("node:assert/strict");
const { createSign } = require("node:crypto");
const {
  api, connections, drive, endTokens, installations, numbered, shot: shotAs, steps, until, world,
  wrong,
} = require("./chromium.cjs");

/** What the customer has chosen of an object, as the server keeps it. */
async function chosen(object) {
  const [installation] = await installations();
  return installation.config.content.read.objects[object];
}

const shot = (page, name) => shotAs(page, numbered(name));

/** Presses `button` on the page, and then one on the provider's in the popup. */
async function consent(page, button, decision) {
  const opened = page.waitForEvent("popup");
  await button.click();
  const popup = await opened;
  await popup.getByRole("button", { name: decision }).waitFor();
  await shot(popup, `consent-${decision === "Deny" ? "deny" : "grant"}`);
  const closed = popup.waitForEvent("close");
  await popup.getByRole("button", { name: decision }).click();
  await closed;
}

async function askToConnect(page, decision) {
  await page.getByText("workspace").first().waitFor();
  await page.locator("input[name=workspace]").fill("acme");
  await shot(page, "workspace");
  await consent(page, page.getByRole("button", { name: "Next" }), decision);
}

const manage = (page) => page.getByRole("tab", { name: "Manage" }).click();

const STEPS = {
  async deny(page) {
    await askToConnect(page, "Deny");
    await page.getByText("was not granted").waitFor();
    await shot(page, "denied");
    assert.deepEqual(await connections(), []);
    // The library lets nobody try again before the page is loaded anew.
    assert.ok(await page.getByRole("button", { name: "Next" }).isDisabled());
    await page.reload();
  },

  async connect(page) {
    await askToConnect(page, "Grant access");
    await page.getByRole("tab", { name: "Repositories" }).waitFor();
    await shot(page, "connected");
    const [connection] = await connections();
    assert.equal(connection.status, "working");
    assert.equal(connection.providerMetadata.workspace.value, "acme");
    assert.deepEqual(await installations(), []);
  },

  async install(page) {
    await page.getByRole("tab", { name: "Repositories" }).click();
    // What has to be mapped is not guessed.
    await page.getByRole("button", { name: "Install" }).click();
    await page.getByText("* required").waitFor();
    await shot(page, "mapping-required");
    await page.getByLabel("Language").click();
    await page.getByPlaceholder("Please select one").fill("full");
    await page.getByRole("option", { name: "Full Name" }).click();
    await shot(page, "chosen");
    await page.getByRole("button", { name: "Install" }).click();
    await page.getByText("Installed ").waitFor();
    await shot(page, "installed");
    const repositories = await chosen("repositories");
    assert.deepEqual(repositories.selectedFields, { language: true });
    assert.deepEqual(repositories.selectedFieldMappings, { label: "full_name" });
    const [{ id, config }] = await installations();
    assert.equal(config.createdBy, `consumer:${world.customer}-ada`);
    await until("the backfill", async () => {
      const { results } = await api(`/integrations/bitbucket/installations/${id}/operations`);
      return results.some(
        ({ status, metadata }) =>
          status === "success" && metadata.progress.recordsProcessed === world.repositories,
      );
    });
  },

  async edit(page) {
    // One that is installed is changed, and those that are not yet are added.
    await page.getByRole("tab", { name: "Repositories" }).click();
    await page.getByLabel("Description").click();
    await shot(page, "changed");
    await page.getByRole("button", { name: "Save" }).click();
    await until("the change", async () => (await chosen("repositories")).selectedFields.description);
    const variables = "pipelines-config/variables";
    for (const [tab, object] of [["Projects", "projects"], ["Pipeline Variables", variables]]) {
      await page.getByRole("tab", { name: tab }).click();
      await page.getByRole("button", { name: "Save" }).click();
      // The page goes on to the next by itself.
      await until(`${object} to be added`, async () => (await chosen(object)) !== undefined);
      assert.deepEqual((await chosen(object)).selectedFields, {});
    }
    await page.getByText("Reading from Pipeline Variables is enabled.").waitFor();
    await shot(page, "added");
    await page.getByLabel("Secured").click();
    await page.getByRole("button", { name: "Save" }).click();
    await until("a slash in a mask", async () => (await chosen(variables)).selectedFields.secured);
    const repositories = await chosen("repositories");
    assert.deepEqual(repositories.selectedFields, { language: true, description: true });
    assert.deepEqual(repositories.selectedFieldMappings, { label: "full_name" });
  },

  async stop(page) {
    await page.getByRole("tab", { name: "Projects" }).click();
    await page.getByRole("button", { name: "Stop reading from Projects" }).click();
    await page.getByRole("button", { name: "Stop reading", exact: true }).click();
    const enable = page.getByRole("button", { name: "Re-enable reading from Projects" });
    await enable.waitFor();
    await shot(page, "stopped");
    assert.equal((await chosen("projects")).disabled, true);
    await enable.click();
    await page.getByText("Reading from Projects is enabled.").waitFor();
    assert.ok(!(await chosen("projects")).disabled);
  },

  async reconnect(page) {
    const [before] = await connections();
    await manage(page);
    await shot(page, "manage");
    // Refused at first: the window stays, for the customer to read and close.
    const opened = page.waitForEvent("popup");
    await page.getByRole("button", { name: "Next" }).click();
    const popup = await opened;
    await popup.getByRole("button", { name: "Deny" }).click();
    await popup.getByRole("heading", { name: "Not connected" }).waitFor();
    await page.getByText("was not granted").waitFor();
    await shot(popup, "refused");
    await shot(page, "kept");
    await popup.close();
    await consent(page, page.getByRole("button", { name: "Next" }), "Grant access");
    const [after, ...others] = await connections();
    assert.deepEqual(others, []);
    assert.equal(after.id, before.id);
    assert.notEqual(after.updateTime, before.updateTime);
    // The page begins anew, and has forgotten nothing.
    await page.getByRole("tab", { name: "Repositories", selected: true }).waitFor();
    await manage(page);
    await page.getByText("working").waitFor();
    await shot(page, "reconnected");
    assert.equal((await installations()).length, 1);
  },

  async expired(page) {
    await endTokens();
    await page.reload();
    await page.getByText("Re-authenticate to Bitbucket").waitFor();
    await page.getByText("The account cannot be used").waitFor();
    await shot(page, "expired");
    await consent(page, page.getByRole("button", { name: "Next" }), "Grant access");
    await page.getByText("Reading from Repositories is enabled.").waitFor();
    await shot(page, "back");
    assert.equal((await connections())[0].status, "working");
    // Whatever failed on the way was meant to.
    wrong.length = 0;
  },

  async uninstall(page) {
    await manage(page);
    await page.getByRole("button", { name: "Yes, uninstall" }).click();
    await page.getByText("successfully uninstalled").waitFor();
    await shot(page, "uninstalled");
    assert.deepEqual(await installations(), []);
    assert.deepEqual(await connections(), []);
    // And from the beginning.
    await page.getByRole("button", { name: "Reinstall Integration" }).click();
    await page.locator("input[name=workspace]").waitFor();
    await shot(page, "again");
  },
};

/** The product's back end, which knows who is signed in: a token for ten minutes. */
function token(query) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const header = { alg: "RS256", typ: "JWT", kid: world.kid };
  const claims = {
    groupRef: query.get("groupRef"),
    consumerRef: query.get("consumerRef"),
    iat: now,
    exp: now + 600,
  };
  const signed = `${encode(header)}.${encode(claims)}`;
  const signature = createSign("RSA-SHA256").update(signed).sign(world.signingKey);
  return `${signed}.${signature.toString("base64url")}`;
}

drive(world.customer, {
  async watch(context) {
    const here = ({ hostname }) => hostname === "127.0.0.1";
    context.on("requestfailed", (request) => {
      const line = `${request.method()} ${request.url()}: ${request.failure()?.errorText}`;
      if (here(new URL(request.url()))) wrong.push(line);
    });
    context.on("response", (response) => {
      const line = `${response.request().method()} ${response.url()}: ${response.status()}`;
      if (response.status() >= 400 && response.url().includes("/v1/projects/")) wrong.push(line);
    });
    // The library's style sheet asks for a font, and its footer for a picture.
    await context.route((url) => !here(url), (route) => route.abort());
    if (world.kid) {
      await context.route("**/token?*", (route) =>
        route.fulfill({ body: token(new URL(route.request().url()).searchParams) }),
      );
    }
  },
  begin: (page) => page.goto(world.page),
  walk: steps.map((name) => [name, STEPS[name]]),
});
