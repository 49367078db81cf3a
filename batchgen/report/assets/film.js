// The film: all that stands for a shot, in a row; a slate says what is not there.

const film = byId("_film");
const screen = byId("_video");
const slate = byId("_slate");
const SLATE_MS = 2500;
let reel = [];
let at = 0;
let timer = 0;

function titleOf(shot) {
  const title = document.querySelector(`[data-shot="${CSS.escape(shot.id)}"] h2 > bdi`);
  return title === null ? "" : title.textContent;
}

function showSlate(shot, why) {
  screen.hidden = true;
  slate.hidden = false;
  slate.replaceChildren(made("strong", {}, shot.id), made("bdi", {}, titleOf(shot)), made("span", {}, why));
  timer = setTimeout(next, SLATE_MS);
}

function show() {
  clearTimeout(timer);
  const shot = reel[at];
  const take = standing(shot);
  byId("_caption").textContent = `${at + 1} of ${reel.length}: ${take === null ? shot.id : take.id}`;
  byId("_pause").textContent = "Pause";
  if (take === null || !take.video) {
    showSlate(shot, take === null ? shot.takes[0].status : "there is no video of it here");
    return;
  }
  slate.hidden = true;
  screen.hidden = false;
  screen.src = take.video;
  screen.play().catch(() => undefined); // an error has its own event
}

function go(to) {
  if (to >= reel.length) {
    film.close();
    return;
  }
  at = Math.max(0, to);
  show();
}

const next = () => go(at + 1);

function pause() {
  const isSlate = screen.hidden;
  const stops = isSlate ? timer !== 0 : !screen.paused;
  byId("_pause").textContent = stops ? "Go on" : "Pause";
  if (isSlate) {
    clearTimeout(timer);
    timer = stops ? 0 : setTimeout(next, SLATE_MS);
  } else if (stops) screen.pause();
  else screen.play().catch(() => undefined);
}

// As the page shows them: what is filtered out is not in the film, what is sorted comes in that order.
function playFilm() {
  const shown = [...document.querySelectorAll(".shot:not([hidden])")];
  reel = shown.map((section) => shots.get(section.dataset.shot));
  if (!reel.length) return;
  for (const other of document.querySelectorAll("main video")) other.pause();
  film.showModal();
  go(0);
}

screen.addEventListener("ended", next);
screen.addEventListener("error", () => {
  if (film.open && screen.getAttribute("src")) showSlate(reel[at], "its video is not beside this page");
});
film.addEventListener("close", () => {
  clearTimeout(timer);
  screen.removeAttribute("src");
  screen.load();
});
byId("_play").addEventListener("click", playFilm);
byId("_back").addEventListener("click", () => go(at - 1));
byId("_pause").addEventListener("click", pause);
byId("_on").addEventListener("click", next);
byId("_close").addEventListener("click", () => film.close());
