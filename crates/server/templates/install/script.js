// Long lists made handier; without this, everything works the same.
for (const box of document.querySelectorAll("details.fields")) {
  const every = box.querySelector("[data-every]");
  const filter = box.querySelector("[data-filter]");
  const count = box.querySelector("[data-count]");
  const none = box.querySelector("[data-none]");
  const fields = [...box.querySelectorAll("[data-field]")];
  const told = () => {
    const chosen = fields.filter((field) => field.checked).length;
    count.textContent = `${chosen} of ${fields.length} chosen`;
  };
  let before = null;
  every.addEventListener("change", () => {
    if (every.checked) before = fields.map((field) => field.checked);
    fields.forEach((field, at) => (field.checked = every.checked || Boolean(before?.[at])));
    told();
  });
  for (const field of fields) {
    field.addEventListener("change", () => {
      if (!field.checked) every.checked = false;
      told();
    });
  }
  if (fields.length > 12) filter.closest(".filter").hidden = false;
  filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLowerCase();
    let shown = 0;
    for (const field of fields) {
      const label = field.closest("label");
      label.hidden = !label.textContent.toLowerCase().includes(wanted);
      shown += label.hidden ? 0 : 1;
    }
    none.hidden = shown > 0;
  });
  filter.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
}
for (const object of document.querySelectorAll("fieldset.object")) {
  const box = object.querySelector(".head input[type=checkbox]");
  const body = object.querySelector(".body");
  if (!box || box.disabled) continue;
  const show = () => object.classList.toggle("off", !box.checked);
  box.addEventListener("change", show);
  show();
}
const wrong = document.querySelector("[aria-invalid=true]");
if (wrong) {
  wrong.closest("details")?.setAttribute("open", "");
  wrong.focus();
}
