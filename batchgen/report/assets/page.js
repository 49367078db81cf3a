"use strict";
// What the other scripts share: the data of the page, its elements, and videos that play where their picture was.

const data = JSON.parse(document.getElementById("_data").textContent);
const byId = (id) => document.getElementById(id);
const sections = [...document.querySelectorAll(".shot")];
const cards = [...document.querySelectorAll(".take")];
const shots = new Map(data.shots.map((shot) => [shot.id, shot]));
const shotOf = (element) => shots.get(element.closest(".shot").dataset.shot);
const takeOf = (card) => shotOf(card).takes.find((take) => take.id === card.id);

function made(name, attributes, text) {
  const element = document.createElement(name);
  Object.assign(element, attributes);
  if (text) element.textContent = text;
  return element;
}

function missing(video, link) {
  const path = decodeURIComponent(link.getAttribute("href"));
  const note = made("p", { className: "absent", role: "alert" });
  note.textContent = `The video is not beside this page: ${path}`;
  video.replaceWith(note);
  note.after(link);
}

function play(link) {
  const video = made("video", { controls: true, autoplay: true, playsInline: true, src: link.href });
  video.className = "poster";
  video.setAttribute("aria-label", link.closest(".take").id);
  video.addEventListener("error", () => missing(video, link), { once: true });
  for (const other of document.querySelectorAll("main video")) other.pause();
  link.parentElement.querySelector(".absent")?.remove();
  link.replaceWith(video);
  video.focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-video]");
  if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  play(link);
});
