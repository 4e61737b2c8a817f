// The console without a reload: what changes is read again and put in its place, whole parts at a time,
// so that nothing jumps and the focus stays. Without this every page works; it is only not live.
"use strict";

(() => {
  const live = document.getElementById("live");
  const wanted = document.body.dataset.live;
  if (!live || !wanted) return;
  const ids = wanted === "all" ? null : wanted.split(" ");
  const EVERY_MS = 15000, AT_MOST_MS = 1500;
  let stream, asked = false, reading = false, readAt = Date.now();

  // ---- live ----
  function show(state, word) {
    live.className = "live " + state;
    const said = live.querySelector(".word");
    if (word && said.textContent !== word) said.textContent = word;
  }

  async function read() {
    if (reading || document.hidden) return;
    reading = true;
    readAt = Date.now();
    try {
      const answer = await fetch(location.href, { cache: "no-store", redirect: "manual" });
      if (answer.type === "opaqueredirect") return location.reload(); // the session is over
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      put(page);
      show(stream && stream.readyState === 1 ? "on" : "off", page.querySelector("#live .word").textContent);
    } catch {
      show("off", "cannot be reached");
    } finally {
      reading = false;
      if (asked) soon();
    }
  }

  function put(page) {
    const kept = document.activeElement;
    const at = kept && kept.id;
    for (const now of document.querySelectorAll("main [id]:is(section, header, p.pages, #matrix-card)")) {
      const next = page.getElementById(now.id);
      if (!next || next.innerHTML === now.innerHTML) continue;
      if (now.contains(kept) && !at && kept.matches("input, select")) continue;
      const scrolled = now.querySelector(".scroll");
      const place = scrolled && [scrolled.scrollLeft, scrolled.scrollTop];
      if (now.id === "matrix-card") cells(now, next);
      else now.replaceChildren(...document.importNode(next, true).childNodes);
      now.className = next.className;
      if (place) now.querySelector(".scroll")?.scrollTo(...place);
    }
    if (at && document.activeElement !== kept) document.getElementById(at)?.focus({ preventScroll: true });
    hold();
  }

  // The matrix keeps its cells where its rows and columns are the same, so that what changed can be seen.
  function cells(now, next) {
    const heads = (one) => [...one.querySelectorAll("tr[data-request], th.name")].map((e) => e.dataset.request || e.textContent).join();
    if (heads(now) !== heads(next)) return now.replaceChildren(...document.importNode(next, true).childNodes);
    for (const cell of now.querySelectorAll("tbody td, tbody th")) {
      const row = cell.parentElement, place = [...row.children].indexOf(cell);
      const other = next.querySelector(`tr[data-request="${row.dataset.request}"]`).children[place];
      if (other.innerHTML === cell.innerHTML) continue;
      const had = cell.className;
      cell.innerHTML = "";
      cell.append(...document.importNode(other, true).childNodes);
      cell.className = other.className;
      if (had !== other.className) cell.classList.add("fresh");
    }
  }

  function soon() {
    if (reading) { asked = true; return; }
    asked = false;
    clearTimeout(soon.timer);
    soon.timer = setTimeout(read, Math.max(0, readAt + AT_MOST_MS - Date.now()));
  }

  function listen() {
    if (stream || document.hidden) return;
    stream = new EventSource("/console/events");
    stream.addEventListener("here", () => show("on"));
    stream.addEventListener("changed", (event) => {
      const told = JSON.parse(event.data).requests;
      if (wanted !== "none" && (!ids || !told || told.some((one) => ids.includes(one)))) soon();
    });
    stream.addEventListener("error", () => {
      show("off");
      if (stream.readyState === 2) { stream = null; read(); setTimeout(listen, EVERY_MS); }
    });
  }

  document.addEventListener("visibilitychange", () => {
    // A page that nobody sees holds no connection: browsers have few of them.
    if (document.hidden) { stream?.close(); stream = null; } else { listen(); soon(); }
  });
  addEventListener("pagehide", () => stream?.close());
  setInterval(read, EVERY_MS);
  listen();

  // ---- keys ----
  const keys = document.getElementById("keys");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.matches("input, select, textarea")) return;
    if (event.key === "?") { if (!keys.open) keys.showModal(); }
    else if (keys.open) return;
    else if (event.key === "/") {
      event.preventDefault();
      const search = document.getElementById("search");
      if (search) search.focus(); else location.assign("/console/requests#search");
    } else if (/^[1-5]$/.test(event.key)) document.querySelector(`nav [data-key="${event.key}"]`).click();
    else if (event.target.matches(".matrix td[role=gridcell]")) move(event);
  });
  if (location.hash === "#search") document.getElementById("search")?.focus();

  // ---- matrix: one cell is in the order of tabs, and the arrows move which ----
  const told = document.getElementById("told");
  let held = null;
  hold();

  function hold() {
    const grid = document.querySelector(".matrix");
    if (!grid) return;
    const cell = (held && document.getElementById(held)) || grid.querySelector("td[role=gridcell]");
    for (const one of grid.querySelectorAll('td[tabindex="0"]')) if (one !== cell) one.tabIndex = -1;
    if (cell) cell.tabIndex = 0;
    for (const one of grid.querySelectorAll("th a")) one.tabIndex = -1;
  }

  function move(event) {
    const cell = event.target, row = cell.parentElement, all = [...row.querySelectorAll("td")];
    const place = all.indexOf(cell);
    const other = (one) => one && one.querySelectorAll("td")[place];
    const next = {
      ArrowRight: all[place + 1], ArrowLeft: all[place - 1], Home: all[0], End: all.at(-1),
      ArrowDown: other(row.nextElementSibling), ArrowUp: other(row.previousElementSibling),
    }[event.key];
    if (event.key === "Enter") row.querySelector("a").click();
    if (!next) return;
    event.preventDefault();
    held = next.id;
    hold();
    next.focus();
  }

  document.addEventListener("focusin", (event) => {
    if (!told) return;
    const cell = event.target.closest(".matrix td[role=gridcell]");
    if (cell) { held = cell.id; hold(); }
    const row = cell && cell.parentElement.querySelector("th");
    told.textContent = cell ? `${row.querySelector("code").textContent} · ${cell.querySelector(".vh").textContent}` : told.dataset.empty;
  });
  document.addEventListener("click", (event) => {
    event.target.closest?.(".matrix td[role=gridcell]")?.focus();
  });
})();
