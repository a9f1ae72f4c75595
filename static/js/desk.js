// Keys for the desk's queue: j and k move, o or Enter opens, x chooses, / searches. Everything works without them.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const rows = [...document.querySelectorAll("[data-row]")];
  const hint = document.querySelector("[data-keys]");
  if (hint) hint.hidden = false;

  const linkOf = (row) => row.querySelector("th a");
  const current = () => rows.findIndex((row) => row.contains(document.activeElement));

  function move(by) {
    const at = current();
    const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1);
    if (rows[next]) linkOf(rows[next]).focus();
  }

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = rows[current()];
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "o" && row) linkOf(row).click();
    else if (event.key === "x" && row) row.querySelector("input[type=checkbox]")?.click();
    else if (event.key === "/") document.getElementById("id_q")?.focus();
    else return;
    event.preventDefault();
  });
});
