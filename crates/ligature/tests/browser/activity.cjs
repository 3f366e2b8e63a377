// A builder at the dashboard, with scripts, after the first install: adds a
// destination, follows a read, looks at a delivery, makes keys, and so on. Every step
// says what must be seen after it.
//
//   node activity.cjs DIRECTORY-OF-PACKAGES
//
// WORLD is JSON. Each page is looked at in light, dark and at the width of a phone.
const assert = require("node:assert/strict");
const { drive, go, look, shot, until, world, wrong } = require("./chromium.cjs");

const press = (page, name) => page.getByRole("button", { name, exact: true }).first().click();
const sees = (page, text) => page.getByText(text).first().waitFor();

const STEPS = {
  // The read goes on as long as the page has not seen it move.
  async operations(page) {
    await go(page, "Operations");
    const bar = page.getByRole("progressbar", { name: "repositories" });
    await bar.waitFor();
    const before = await bar.getAttribute("value");
    await until("the bar to move", async () => Number(await bar.getAttribute("value")) > Number(before || 0));
    await shot(page, "activity-running-light");
    await page.getByRole("link", { name: "repositories" }).first().click();
    await page.getByRole("progressbar", { name: "repositories" }).waitFor();
    const fast = await fetch(world.sandbox + "latency", {
      method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ms: 0 }),
    });
    assert.ok(fast.ok, `${fast.status}`);
    await page.locator(".badge", { hasText: "done" }).waitFor();
    await page.locator(".facts").getByText("Ended").waitFor();
  },

  // Times are typed in the viewer's zone, and links have the instants that they are.
  async "operations-of-a-time"(page) {
    await go(page, "Operations");
    await page.getByLabel("From (your time)").fill("2020-01-01T05:45");
    await press(page, "Filter");
    await page.waitForURL(/from=2020-01-01T00%3A00%3A00Z&to=$/);
    assert.equal(await page.getByLabel("From (your time)").inputValue(), "2020-01-01T05:45");
    // A link with a moment that nobody would type is filtered further.
    await page.goto(`${page.url()}2100-01-01T00:00:30Z`);
    assert.equal(await page.getByLabel("Before (your time)").inputValue(), "2100-01-01T05:45:30");
    await page.getByLabel("Object").fill("repositories");
    await press(page, "Filter");
    await page.waitForURL(/object=repositories&.*&to=2100-01-01T00%3A00%3A30Z$/);
    await page.getByRole("link", { name: "repositories" }).first().waitFor();
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

  async "install-links"(page) {
    await go(page, "Installations");
    await page.getByRole("link", { name: "Install links" }).click();
    await page.locator("#group").fill("customer-9");
    await press(page, "Make a link");
    await page.locator("code", { hasText: "/install/" }).waitFor();
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

async function signIn(page) {
  await page.goto(`${world.url}/sign-in`);
  await page.getByLabel("E-mail address").fill(world.email);
  await page.getByLabel("Password").fill(world.password);
  await press(page, "Sign in");
  await page.getByRole("link", { name: /^app/ }).click();
}

drive("activity", {
  // Where clocks differ from others by three quarters of an hour.
  options: { timezoneId: "Asia/Kathmandu" },
  watch(context) {
    context.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
  },
  begin: signIn,
  walk: Object.entries(STEPS).map(([name, step]) => [name, async (page) => {
    await step(page);
    await look(page, `activity-${name}`, ["minor", "moderate"]);
  }]),
});
