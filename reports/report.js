// Niceties: the page is whole without them. Tables sort by a click on a heading, and the page that
// is read is marked in the navigation.
"use strict";
const none = "–";
const value = (cell) => Number.parseFloat(cell.dataset.v
  ?? cell.textContent.replace("−", "-").replace("±", ""));
const compare = (a, b) => {
  const missing = (a.textContent === none) - (b.textContent === none);
  return missing ? { missing } : { order: a.classList.contains("r") ? value(a) - value(b)
    : a.textContent.localeCompare(b.textContent, "en", { numeric: true }) };
};
document.querySelectorAll("table").forEach((table) => {
  const body = table.tBodies[0];
  if (!body || body.rows.length < 3) return;
  table.querySelectorAll("thead th").forEach((head, n) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      table.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      body.append(...[...body.rows].sort((a, b) => {
        const { missing, order } = compare(a.cells[n], b.cells[n]);
        return missing ?? ((down ? -order : order) || 0);
      }));
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
