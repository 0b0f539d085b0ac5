// The desk's pages: a live preview of the texts to customers, and canned replies put into a comment.
// Without this script the Preview button and copying by hand do the same.
"use strict";

const PAUSE_MS = 400;

for (const form of document.querySelectorAll("form[data-preview]")) {
  let timer;
  let newest = 0;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const number = ++newest;
      const fields = new FormData(form);
      fields.set("preview", "part");
      const response = await fetch(form.action, { method: "POST", body: fields }).catch(() => null);
      if (!response || !response.ok || number !== newest) return;
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      document.getElementById(form.dataset.preview).replaceChildren(...page.body.childNodes);
    }, PAUSE_MS);
  });
}

for (const button of document.querySelectorAll("[data-insert]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const field = document.getElementById(button.dataset.into);
    const text = document.getElementById(button.dataset.insert).textContent;
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    field.focus();
    button.closest("details").open = false;
  });
}
