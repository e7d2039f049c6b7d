"use strict";

// Tables sort by a click on a heading: numbers by what they mean, everything else as text.
for (const table of document.querySelectorAll("table.sortable")) {
  table.querySelectorAll("thead th").forEach((heading, position) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sortBy(table, heading, position));
  });
}

function sortBy(table, heading, position) {
  const descending = heading.getAttribute("aria-sort") === "ascending";
  for (const other of table.querySelectorAll("thead th")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => ({ row, key: keyOf(row.cells[position]) }));
  rows.sort((a, b) => {
    if (a.key === null || b.key === null) return (a.key === null) - (b.key === null); // missing last, always
    const difference = typeof a.key === "number" ? a.key - b.key : a.key.localeCompare(b.key, "en", { numeric: true });
    return descending ? -difference : difference;
  });
  body.append(...rows.map(({ row }) => row));
}

function keyOf(cell) {
  const text = cell.textContent.trim();
  if (text === "" || text === "–") return null;
  if (!("sort" in cell.dataset)) {
    const first = cell.classList.contains("number") && /^\u2212?[\d.]+(e\S+)?/.exec(text);
    return first ? Number(first[0].replaceAll("\u2212", "-")) : text;
  }
  return cell.dataset.sort === "inf" ? Infinity : Number(cell.dataset.sort);
}

// A link into a closed part opens it.
function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let parent = target; parent; parent = parent.parentElement) {
    if (parent.tagName === "DETAILS") parent.open = true;
  }
  if (target) target.scrollIntoView();
}
addEventListener("hashchange", openTarget);
openTarget();

// On a narrow screen the contents start closed; on paper everything is open.
const contents = document.querySelector("nav details");
if (matchMedia("(max-width: 70rem)").matches) contents.open = false;
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("main details:not([open])")];
  for (const part of closed) part.open = true;
});
addEventListener("afterprint", () => {
  for (const part of closed) part.open = false;
});
