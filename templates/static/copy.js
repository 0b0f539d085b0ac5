// Copy buttons: <button hidden data-copy="id of a field">. Without this script the field is still there to select.
"use strict";

async function copyField(field) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    return document.execCommand("copy"); // pages without HTTPS have no clipboard
  }
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const copied = await copyField(document.getElementById(button.dataset.copy));
    const status = document.getElementById(button.dataset.status);
    status.textContent = copied ? button.dataset.done : button.dataset.failed;
  });
}
