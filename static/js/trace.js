// Marks are links to their sources, and work without this. Here: what belongs to the passage under the pointer, or in focus, stands out.
"use strict";

function passagesOf(element) {
  const found = element.closest?.("[data-passage], [data-passages]");
  return found ? (found.dataset.passage ?? found.dataset.passages).split(" ") : [];
}

function light(event) {
  const numbers = new Set(passagesOf(event.target));
  for (const mark of document.querySelectorAll("[data-passage]")) {
    mark.classList.toggle("is-lit", numbers.has(mark.dataset.passage));
  }
  for (const file of document.querySelectorAll("[data-passages]")) {
    file.classList.toggle("is-lit", file.dataset.passages.split(" ").some((number) => numbers.has(number)));
  }
}

document.addEventListener("mouseover", light);
document.addEventListener("focusin", light);
