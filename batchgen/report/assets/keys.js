// By keyboard alone: one scene at a time is where the keys go to, and is reached with Tab.

let current = null;

function point(card, moves) {
  if (current !== null) current.tabIndex = -1;
  current = card;
  card.tabIndex = 0;
  if (moves) card.focus();
}

const visible = () => [...document.querySelectorAll(".shot:not([hidden]) .take:not([hidden])")];

// The nearest scene in the row above or below.
function inRow(card, down) {
  const own = card.getBoundingClientRect();
  const middle = own.left + own.width / 2;
  let best = null;
  for (const other of visible()) {
    const box = other.getBoundingClientRect();
    const apart = down ? box.top - own.top : own.top - box.top;
    if (apart < own.height / 3) continue;
    const distance = apart * 4 + Math.abs(box.left + box.width / 2 - middle);
    if (best === null || distance < best.distance) best = { card: other, distance };
  }
  return best?.card;
}

function beside(card, step) {
  const all = visible();
  return all[all.indexOf(card) + step];
}

const MOVES = {
  ArrowLeft: (card) => beside(card, -1),
  ArrowRight: (card) => beside(card, 1),
  ArrowUp: (card) => inRow(card, false),
  ArrowDown: (card) => inRow(card, true),
};

function onCard(key, card) {
  if (key in MOVES) {
    const target = MOVES[key](card);
    if (target !== undefined) point(target, true);
  } else if (key === " ") card.querySelector("button.pick")?.click();
  else if (key === "Enter") card.querySelector("a[data-video]")?.click();
  else if (/^[1-9]$/.test(key)) pickNumber(shotOf(card), Number(key));
  else return false;
  return true;
}

function pickNumber(shot, number) {
  const take = shot.takes[number - 1];
  if (take !== undefined && byId(take.id).querySelector("button.pick")) choose(shot, take.pick);
}

function anywhere(key) {
  if (key === "f" || key === "F") playFilm();
  else if (key === "/") byId("_text").focus();
  else return false;
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || film.open) return;
  if (event.target.matches("input, select, textarea, video")) return;
  const card = event.target.matches(".take") ? event.target : null;
  const isStarting = card === null && event.target === document.body && event.key in MOVES && current !== null;
  if (isStarting) point(current, true);
  if (isStarting || (card !== null && onCard(event.key, card)) || anywhere(event.key)) event.preventDefault();
});
document.addEventListener("focusin", (event) => {
  const card = event.target.closest(".take");
  if (card !== null) point(card, false);
});
byId("_keys").addEventListener("click", () => {
  const help = byId("_help");
  help.hidden = !help.hidden;
  byId("_keys").setAttribute("aria-expanded", String(!help.hidden));
});

tools.hidden = false;
if (cards.length) point(cards[0], false);
showChoices();
follow();
