// Niceties: the page is whole without them. Tables sort by a click on a heading, and the page that
// is read is marked in the navigation.
"use strict";
document.querySelectorAll("table").forEach((table) => {
  const body = table.tBodies[0];
  const key = (row, n) => row.cells[n].dataset.v ?? row.cells[n].textContent;
  const missing = (row, n) => row.cells[n].textContent === "–";
  if (!body || body.rows.length < 3) return;
  table.querySelectorAll("thead th").forEach((head, n) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      const sign = down ? -1 : 1;
      table.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].sort((a, b) => missing(a, n) - missing(b, n) ||
        sign * key(a, n).localeCompare(key(b, n), "en", { numeric: true }) || 0);
      if (rows.every((row) => missing(row, n) || row.cells[n].dataset.v))
        rows.sort((a, b) => missing(a, n) - missing(b, n) || sign * (key(a, n) - key(b, n)));
      body.append(...rows);
    });
  });
});
const links = new Map([...document.querySelectorAll("nav a")].map((a) => [a.hash.slice(1), a]));
const seen = new Set();
const observer = new IntersectionObserver((entries) => {
  entries.forEach((e) => (e.isIntersecting ? seen.add(e.target.id) : seen.delete(e.target.id)));
  const current = [...links.keys()].find((id) => seen.has(id));
  links.forEach((a, id) => (id === current ? a.setAttribute("aria-current", "true")
    : a.removeAttribute("aria-current")));
}, { rootMargin: "-10% 0px -70% 0px" });
document.querySelectorAll("main > section").forEach((section) => observer.observe(section));
