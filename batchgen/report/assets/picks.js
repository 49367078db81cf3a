// Choosing: what is picked here and not in the run directory yet is kept in the browser, until it is there as well.
// That store is one for all local pages, so the key carries the run's identity.

const STORE = `batchgen:picks:${data.identity}`;
let choices = new Map();

const names = (shot) => new Set(shot.takes.flatMap((take) => [take.id, take.pick, ...Object.keys(take.results)]));
const pickOf = (shot) => choices.get(shot.id) ?? shot.picked;
const isPicked = (card) => {
  const take = takeOf(card);
  const pick = pickOf(shotOf(card));
  return pick !== "" && (pick === take.id || pick in take.results);
};

function stored() {
  let found = {};
  try {
    found = JSON.parse(localStorage.getItem(STORE)) ?? {};
  } catch {
    // A browser that keeps nothing, or something else under that key: then nothing was chosen before.
  }
  const fits = ([id, pick]) => shots.has(id) && (pick === "" || names(shots.get(id)).has(pick));
  return Object.entries(found).filter((choice) => fits(choice) && choice[1] !== shots.get(choice[0]).picked);
}

function keep() {
  try {
    if (choices.size) localStorage.setItem(STORE, JSON.stringify(Object.fromEntries(choices)));
    else localStorage.removeItem(STORE);
  } catch {
    // As above: the choices last as long as the page.
  }
}

function choose(shot, pick) {
  const wanted = pickOf(shot) === pick ? "" : pick;
  if (wanted === shot.picked) choices.delete(shot.id);
  else choices.set(shot.id, wanted);
  keep();
  showChoices();
}

// What stands for a shot: the picked take, else the first completed one in order.
function standing(shot) {
  const pick = pickOf(shot);
  const take = shot.takes.find((one) => pick && (one.id === pick || pick in one.results));
  if (take === undefined) return shot.takes.find((one) => one.status === "completed") ?? null;
  return { ...take, video: take.results[pick] ?? take.video };
}

function picksFile() {
  const lines = data.shots.map(pickOf).filter((pick) => pick !== "");
  return [`# batchgen picks ${data.name}`, ...lines, ""].join("\n");
}

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);

function folder() {
  if (location.protocol !== "file:") return "RUN_DIR";
  const path = decodeURIComponent(location.pathname).replace(/\/[^/]*$/, "");
  return quoted(path.replace(/^\/([A-Za-z]:)/, "$1") || "/");
}

function showChoices() {
  for (const button of document.querySelectorAll("button.pick")) {
    button.setAttribute("aria-pressed", String(pickOf(shotOf(button)) === button.dataset.pick));
  }
  for (const card of cards) card.classList.toggle("picked", isPicked(card));
  const count = choices.size;
  byId("_choices").hidden = count === 0;
  // A page that was sent to somebody has no run directory, and no command for it.
  const command = byId("_command"), what = command ? "in the run directory" : "saved";
  byId("_changed").textContent = count === 1 ? `1 choice is not ${what} yet.` : `${count} choices are not ${what} yet.`;
  command?.replaceChildren(`batchgen pick ${folder()} --from ${data.name}-picks.txt`);
  const save = byId("_save");
  save.download = `${data.name}-picks.txt`;
  save.href = `data:text/plain;charset=utf-8,${encodeURIComponent(picksFile())}`;
  document.dispatchEvent(new Event("chosen"));
}

choices = new Map(stored());
for (const button of document.querySelectorAll("button.pick")) {
  button.hidden = false;
  button.addEventListener("click", () => choose(shotOf(button), button.dataset.pick));
}
// The same page in another tab.
addEventListener("storage", (event) => {
  if (event.key !== STORE && event.key !== null) return;
  choices = new Map(stored());
  showChoices();
});
byId("_discard").addEventListener("click", () => {
  choices.clear();
  keep();
  showChoices();
});
