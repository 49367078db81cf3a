// Which scenes are shown, and in which order.

const tools = byId("_tools");
const texts = new Map();

function text(card) {
  if (!texts.has(card)) {
    const shot = card.closest(".shot");
    const above = shot.querySelector(".note")?.textContent ?? "";
    texts.set(card, `${above} ${card.textContent}`.toLowerCase());
  }
  return texts.get(card);
}

const KINDS = {
  "": () => true,
  standing: (card) => standing(shotOf(card))?.id === card.id,
  picked: (card) => isPicked(card),
  open: (card) => pickOf(shotOf(card)) === "" && shotOf(card).takes.length > 1,
};

function fitting() {
  const statuses = new Set([...tools.querySelectorAll("[name=status]:checked")].map((box) => box.value));
  const words = byId("_text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const kind = KINDS[byId("_which").value];
  return (card) => statuses.has(card.dataset.status) && kind(card) && words.every((word) => text(card).includes(word));
}

function filter() {
  const fits = fitting();
  let shown = 0;
  for (const card of cards) {
    card.hidden = !fits(card);
    if (!card.hidden) shown += 1;
  }
  for (const section of sections) section.hidden = !section.querySelector(".take:not([hidden])");
  byId("_found").textContent = shown === cards.length ? "" : `${shown} of ${cards.length}`;
  byId("_nothing").hidden = shown > 0 || cards.length === 0;
}

function sort() {
  const by = byId("_sort").value;
  const order = [...sections];
  if (by !== "order") order.sort((one, other) => Number(other.dataset[by]) - Number(one.dataset[by]));
  document.querySelector("main").append(...order);
}

function showAll() {
  for (const box of tools.querySelectorAll("[name=status]")) box.checked = true;
  byId("_text").value = "";
  byId("_which").value = "";
  filter();
}

// A link to a scene, from elsewhere or from here, leads to it whatever was filtered out.
function follow() {
  const target = byId(decodeURIComponent(location.hash.slice(1)));
  if (target === null || !target.matches("main *")) return;
  if (target.hidden || target.closest("[hidden]")) showAll();
  target.scrollIntoView();
  if (target.matches(".take")) target.focus({ preventScroll: true });
}

tools.addEventListener("submit", (event) => event.preventDefault());
tools.addEventListener("input", filter);
byId("_sort").addEventListener("change", sort);
byId("_all").addEventListener("click", showAll);
document.addEventListener("chosen", filter);
addEventListener("hashchange", follow);
