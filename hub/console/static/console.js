// Keeps the page right: asks each second for the part that lives, changes only what differs, and says when nobody answers.
"use strict";
(() => {
  const EVERY = 1000, PATIENCE = 4000;
  const main = document.getElementById("content");
  const asOf = document.getElementById("as-of");
  const trouble = document.getElementById("trouble");
  let tag = "", waiting = 0;

  // Make `old` like `fresh` in place, so that focus, selection, scroll positions and what was unfolded stay.
  const morph = (old, fresh) => {
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) { old.replaceWith(fresh); return; }
    if (old.nodeType !== Node.ELEMENT_NODE) { if (old.data !== fresh.data) old.data = fresh.data; return; }
    for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    const were = [...old.childNodes], are = [...fresh.childNodes];
    are.forEach((child, place) => place < were.length ? morph(were[place], child) : old.append(child));
    were.slice(are.length).forEach((child) => child.remove());
  };

  const say = (text) => {
    if (trouble.textContent !== text) trouble.textContent = text;
    document.body.classList.toggle("stale", text !== "");
  };

  const look = async () => {
    clearTimeout(waiting);
    if (!document.hidden) {
      try {
        const answer = await fetch(`console/live?lang=${document.documentElement.lang}`, {
          headers: tag ? { "If-None-Match": tag } : {}, signal: AbortSignal.timeout(PATIENCE),
        });
        if (answer.status === 401 || answer.status === 403) { location.reload(); return; }
        if (answer.ok) {
          const fresh = document.createElement("main");
          const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
          fresh.id = main.id;
          fresh.append(...parsed.body.childNodes);
          morph(main, fresh);
          tag = answer.headers.get("ETag") || "";
        }
        if (answer.ok || answer.status === 304) {
          asOf.textContent = answer.headers.get("Hub-As-Of");
          say("");
        } else say(trouble.dataset.store);
      } catch {
        say(trouble.dataset.silent);
      }
    }
    clearTimeout(waiting);
    waiting = setTimeout(look, EVERY);
  };

  document.addEventListener("visibilitychange", look);
  waiting = setTimeout(look, EVERY);
})();
