// What pages do more where there is a script: times in the viewer's zone, copying,
// more rows, and files put into text fields. Nothing here is needed to read or to save.
(() => {
  "use strict";
  document.documentElement.classList.add("js");

  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const short = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const apart = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

  function distance(date) {
    const seconds = Math.round((date - Date.now()) / 1000);
    const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= 2 * length) || units[3];
    return apart.format(Math.round(seconds / length), unit);
  }

  function tell(time) {
    const date = new Date(time.dateTime);
    if (Number.isNaN(date.getTime())) return;
    time.title = exact.format(date);
    time.textContent = "ago" in time.dataset ? distance(date) : short.format(date);
  }

  function localise(root) {
    if (root.matches && root.matches("time[datetime]")) tell(root);
    root.querySelectorAll("time[datetime]").forEach(tell);
  }

  // <input type="datetime-local" data-utc>: the page has a moment in UTC; here it is
  // shown and typed in the viewer's zone, and goes out as the instant that it is.
  function showInZone(input) {
    const date = new Date(`${input.getAttribute("value")}Z`);
    if (Number.isNaN(date.getTime())) return;
    const here = new Date(date - date.getTimezoneOffset() * 60000);
    input.value = here.toISOString().slice(0, date.getUTCSeconds() ? 19 : 16);
  }

  document.addEventListener("formdata", (event) => {
    event.target.querySelectorAll("input[data-utc]").forEach((input) => {
      const date = new Date(input.value);
      if (Number.isNaN(date.getTime())) return;
      event.formData.set(input.name, date.toISOString().replace(".000Z", "Z"));
    });
  });

  async function copy(button) {
    const text = button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without TLS there is no clipboard; a selection can still be copied.
      const field = document.createElement("textarea");
      field.value = text;
      field.className = "visually-hidden";
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
      button.focus();
    }
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  }

  /** One more empty row: the one that is there for pages without a script, or its like. */
  function addRow(button) {
    const last = button.previousElementSibling;
    const row = last.classList.contains("spare") ? last : last.cloneNode(true);
    if (row === last) last.classList.remove("spare");
    else last.after(row);
    row.querySelectorAll("input:not([type=hidden])").forEach((input) => { input.value = ""; });
    row.querySelector("input:not([type=hidden])").focus();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    const more = event.target.closest("[data-add-row]");
    if (more) addRow(more);
    // Menus close when something else is pressed.
    document.querySelectorAll("details.switch[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.switch[open]").forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  // <input type="file" data-into="id of a textarea">
  document.addEventListener("change", async (event) => {
    const input = event.target;
    if (!input.matches || !input.matches("input[type=file][data-into]") || !input.files[0]) return;
    document.getElementById(input.dataset.into).value = await input.files[0].text();
  });

  // A consent that was begun here in another window has ended.
  window.addEventListener("message", (event) => {
    const link = document.querySelector("a[data-after]");
    if (link && event.origin === location.origin && event.data && event.data.eventType === "AUTHORIZATION_SUCCEEDED") {
      location.assign(link.dataset.after);
    }
  });

  localise(document);
  document.querySelectorAll("input[data-utc]").forEach(showInZone);
  document.querySelectorAll("[data-zone]").forEach((zone) => { zone.textContent = "your time"; });
  document.addEventListener("htmx:load", (event) => localise(event.detail.elt));
  setInterval(() => document.querySelectorAll("time[data-ago]").forEach(tell), 30000);
})();
