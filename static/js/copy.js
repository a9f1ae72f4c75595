// Copy buttons: shown only where this runs, since without it they could do nothing.
"use strict";

function showCopyButtons(root) {
  for (const button of root.querySelectorAll("button.copy[hidden]")) button.hidden = false;
}

async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // A page served without TLS has no clipboard API: select the text in a field and copy that.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("the browser refused");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  const words = button.querySelector(".copy__words");
  const before = button.dataset.label;
  try {
    await copyText(button.dataset.copy);
    words.textContent = "Copied";
  } catch {
    words.textContent = "Select the text and copy it by hand";
  }
  setTimeout(() => { words.textContent = before; }, 2500);
});

document.addEventListener("DOMContentLoaded", () => showCopyButtons(document));
document.addEventListener("htmx:load", (event) => showCopyButtons(event.target));
