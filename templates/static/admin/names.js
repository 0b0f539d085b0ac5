/* Names for controls that Django's admin leaves without one, for people who hear the page. */
"use strict";
(function () {
  const text = (element) => (element ? element.textContent.trim().replace(/:$/, "") : "");

  function nameMoments() {
    for (const part of document.querySelectorAll("p.datetime input")) {
      const row = part.closest(".form-row, td");
      const words = [text(row && row.querySelector("legend, label")), text(part.previousSibling)];
      part.setAttribute("aria-label", words.filter(Boolean).join(": "));
    }
  }

  function nameCells() {
    for (const control of document.querySelectorAll(".tabular td :is(select, input):not([type=hidden])")) {
      if (control.labels && control.labels.length) continue;
      const cell = control.closest("td");
      const head = cell.closest("table").tHead.rows[0].cells[cell.cellIndex];
      const words = [text(cell.parentElement.querySelector(".original p")), text(head)];
      control.setAttribute("aria-label", words.filter(Boolean).join(": "));
    }
  }

  function nameChoices() {
    for (const choice of document.querySelectorAll("select.admin-autocomplete")) {
      const box = choice.nextElementSibling && choice.nextElementSibling.querySelector("[role=combobox]");
      if (!box) continue;
      const name = (choice.labels && text(choice.labels[0])) || choice.getAttribute("aria-label");
      box.removeAttribute("aria-labelledby");
      for (const part of [box, box.querySelector("[role=textbox]")]) {
        if (part) part.setAttribute("aria-label", [name, text(part)].filter(Boolean).join(": "));
      }
    }
  }

  function nameAll() {
    nameMoments();
    nameCells();
    nameChoices();
    document.querySelectorAll(".help-tooltip").forEach((tip) => tip.setAttribute("role", "img"));
  }

  // Django makes some controls when jQuery is ready, which may be late, and some on load.
  if (window.django && django.jQuery) django.jQuery(nameAll);
  window.addEventListener("load", nameAll);
  document.addEventListener("formset:added", () => setTimeout(nameAll));
  document.addEventListener("focusout", nameChoices);
})();
