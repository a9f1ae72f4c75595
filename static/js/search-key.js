// The key "/" goes to the search box, unless somebody is typing or the page has a use of its own for it.
"use strict";

window.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof Element && event.target.closest("input, textarea, select, [contenteditable]")) return;
  const box = document.querySelector("[data-search]") || document.getElementById("site-q");
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
});
