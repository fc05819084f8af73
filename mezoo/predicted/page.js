// A later picture shows the first of its row while it is pointed at or has the focus.
for (const row of document.querySelectorAll(".shots")) {
  const first = row.querySelector(".shot img");
  for (const shot of row.querySelectorAll(".shot[tabindex]")) {
    const image = shot.querySelector("img"), own = image.src;
    const show = (back) => { image.src = back ? first.src : own; shot.classList.toggle("back", back); };
    for (const name of ["mouseenter", "focus"]) shot.addEventListener(name, () => show(true));
    for (const name of ["mouseleave", "blur"]) shot.addEventListener(name, () => show(false));
  }
}
// What frame the pointer stands at on the film's axis.
for (const axis of document.querySelectorAll("svg.axis")) {
  const n = Number(axis.dataset.frames), end = Number(axis.dataset.seconds);
  const words = axis.parentElement.querySelector(".where");
  const cursor = document.createElementNS("http://www.w3.org/2000/svg", "line");
  cursor.setAttribute("class", "cursor");
  cursor.setAttribute("y1", "18");
  cursor.setAttribute("y2", axis.getAttribute("height") - 22);
  axis.addEventListener("pointermove", (event) => {
    const place = axis.getBoundingClientRect(), share = (event.clientX - place.left) / place.width;
    if (share < 0 || share >= 1) return;
    const frame = Math.floor(share * n), x = `${100 * (frame + 0.5) / n}%`;
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    axis.append(cursor);
    words.textContent = `frame ${frame}` + (end ? `, ${(frame * end / n).toFixed(3)} s` : "");
  });
  axis.addEventListener("pointerleave", () => { cursor.remove(); words.textContent = ""; });
}
// On paper nothing can be unfolded: open what is folded for the print, and fold it again.
addEventListener("beforeprint", () => document.querySelectorAll("details:not([open])").forEach((d) => { d.open = true; d.dataset.folded = ""; }));
addEventListener("afterprint", () => document.querySelectorAll("details[data-folded]").forEach((d) => { d.open = false; delete d.dataset.folded; }));
