"use strict";

// Milliseconds between two questions, and after no answer.
const INTERVAL = 250, RETRY = 2000;
// Seconds without a frame after which that is said.
const STALE = 3;

const element = (id) => document.getElementById(id);
const picture = element("picture");
let known = -1, looking = false, state = null, source = null, shown = { events: [], clips: [] };

// Everything that comes from a model or a source is text, never markup.
function make(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

const percent = (value) => `${Math.round(100 * value)} %`;
const clock = (iso) => new Date(iso).toLocaleTimeString([], { hour12: false });

function row(label, value, marks) {
  const made = make("div", `row ${marks}`);
  made.append(make("span", "", label));
  const track = made.appendChild(make("div", "track"));
  const fill = track.appendChild(make("div", "fill"));
  fill.style.width = value === null ? "0" : `${100 * value}%`;
  made.append(make("span", "value", value === null ? "" : percent(value)));
  return made;
}

function showModels(models) {
  if (!models.length) return;
  element("models").replaceChildren(...models.map((model) => {
    const made = make("div", model.unknown ? "model unsure" : "model");
    const names = new Set(models.map((one) => one.model));
    const whose = [model.source, model.region, names.size > 1 ? model.model : ""].filter(Boolean).join(", ");
    if (whose) made.append(make("p", "name", whose));
    const label = made.appendChild(make("p", "label"));
    label.append(make("span", "", model.label));
    label.append(make("small", "", model.unknown && model.best !== "unknown"
      ? `most probable: ${model.best}, ${percent(model.score)}` : percent(model.score)));
    for (const [name, value] of model.bars) {
      const idle = name === "unknown" || name === "nothing" ? "nothing" : "";
      made.append(row(name, value, `${idle} ${name === model.label ? "best" : ""}`));
    }
    if (model.moments) made.append(moments(model.moments));
    // A model that has no such label says so where it is not sure enough.
    if (!model.bars.some(([name]) => name === "unknown")) {
      const sign = row("unknown", null, model.unknown ? "nothing best" : "off");
      sign.querySelector(".value").textContent = model.unknown ? "yes" : "no";
      sign.querySelector(".track").style.visibility = "hidden";
      made.append(sign);
    }
    return made;
  }));
}

// Which of the window's frames spoke for the best label (up) and for the second (down).
function moments(told) {
  const made = make("div", "moments");
  const strip = made.appendChild(make("div", "strip"));
  strip.setAttribute("role", "img");
  strip.setAttribute("aria-label", `moments that spoke for ${told.best}, and for ${told.second}`);
  for (const share of told.shares) {
    const bar = strip.appendChild(make("i", share < 0 ? "against" : ""));
    bar.style.setProperty("--share", Math.abs(share));
  }
  made.append(make("small", "", `the last ${told.seconds.toFixed(1)} s: up for ${told.best}, down for ${told.second}`));
  return made;
}

function showEvents(told, clips) {
  if (!told && clips.join() === shown.clips.join()) return;
  const events = told ?? shown.events;
  shown = { events, clips };
  if (!events.length) return element("events").replaceChildren(make("li", "quiet", "none yet"));
  element("events").replaceChildren(...events.map((event) => {
    const made = make("li");
    made.append(make("time", "", clock(event.start_time)));
    const whose = [state.sources.length > 1 ? event.source : "", event.region].filter(Boolean).join(", ");
    const what = made.appendChild(make("span", "", event.label));
    if (whose) what.append(make("small", "", ` ${whose}`));
    const last = event.end ?? event.updated;
    const seconds = last === null || last === undefined ? "" : `, ${(last - event.start).toFixed(1)} s`;
    const how = { begin: "began", update: "goes on", end: "ended" }[event.event];
    made.append(make("span", event.event === "end" ? "quiet" : "going", `${how}${seconds}`));
    if (clips.includes(event.id)) {
      const button = what.appendChild(make("button", "play", "clip"));
      button.type = "button";
      button.addEventListener("click", () => play(event));
    }
    return made;
  }));
}

function play(event) {
  const video = element("clip").querySelector("video");
  element("clip").hidden = false;
  element("clip").querySelector("span").textContent = `${event.label}, ${clock(event.start_time)}`;
  video.src = `clip/${encodeURIComponent(event.id)}`;
  video.play().catch(() => {});  // some browsers want a press on the picture first
}

element("close-clip").addEventListener("click", () => {
  element("clip").querySelector("video").removeAttribute("src");
  element("clip").hidden = true;
});

function duration(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function showHealth(health, viewers, most) {
  const facts = [
    ["Frames a second", health.frame_rate.toFixed(1)],
    ["Predictions a second", health.prediction_rate.toFixed(1)],
    ["Latency: 50, 95, 99 %", health.latency === null ? "not known"
      : `${health.latency.map((value) => Math.round(1000 * value)).join(", ")} ms`],
    [`Processor, of ${health.cores} cores`, percent(health.cpu)],
    ["Memory", health.memory === null ? null : `${Math.round(health.memory / 1e6)} MB`],
    ["Temperature", health.temperature === null ? null : `${health.temperature.toFixed(1)} °C`, health.temperature > 80],
  ];
  const told = health.statistics;
  for (const [name, text] of [["dropped", "Frames dropped"], ["repeated", "Frames repeated"], ["bad", "Frames broken"],
    ["reconnects", "Reconnects"]]) {
    if (name in told) facts.push([text, String(told[name])]);
  }
  facts.push(["Viewers", `${viewers} of ${most}`], ["Running for", duration(health.uptime)]);
  element("health").replaceChildren(...facts.filter(([, text]) => text !== null).map(([name, text, warn]) => {
    const made = make("div");
    made.append(make("dt", "", name), make("dd", warn ? "warn" : "", text));
    return made;
  }));
}

function showStatus(text, warn) {
  element("status").textContent = text;
  element("status").className = warn ? "warn" : "";
}

function status(health) {
  if (health.statistics.lost) return showStatus("the source is lost; it is looked for", true);
  if (health.since === null) return showStatus("waiting for the first frame", false);
  if (health.since > STALE) return showStatus(`no frame for ${duration(health.since)}`, true);
  return showStatus("recognising", false);
}

function noPicture(text) {
  picture.hidden = true;
  element("no-picture").hidden = false;
  element("no-picture").textContent = text;
}

// Nothing is encoded for a page that nobody sees.
function look() {
  if (document.hidden || looking) return;
  looking = true;
  picture.src = `picture?${source === null ? "" : `source=${encodeURIComponent(source)}&`}${Date.now()}`;
}

function lookAway() {
  looking = false;
  picture.removeAttribute("src");
}

// A button for each camera, where there are several.
function showSources(sources) {
  const group = element("sources"), shown = [...group.children].map((button) => button.textContent);
  if (source !== null && !sources.includes(source)) {  // it has ended
    source = null;
    lookAway();
    look();
  }
  group.hidden = sources.length < 2;
  if (group.hidden || shown.join("\n") === sources.join("\n")) return markSource();
  group.replaceChildren(...sources.map((name) => {
    const button = make("button", "", name);
    button.type = "button";
    button.addEventListener("click", () => {
      source = name;
      markSource();
      lookAway();
      look();
    });
    return button;
  }));
  markSource();
}

function markSource() {
  for (const button of element("sources").children) {
    button.setAttribute("aria-pressed", String(button.textContent === (source ?? state.sources[0])));
  }
}

picture.addEventListener("load", () => {
  picture.hidden = false;
  element("no-picture").hidden = true;
});
picture.addEventListener("error", () => {
  if (!looking) return;
  const full = state && state.viewers >= state.most_viewers;
  noPicture(full ? `${state.most_viewers} others look at the picture already; it will be tried again` : "no picture");
  lookAway();
  setTimeout(look, RETRY);
});
document.addEventListener("visibilitychange", () => (document.hidden ? lookAway() : look()));
addEventListener("pagehide", lookAway);

async function ask() {
  let wait = INTERVAL;
  try {
    if (!document.hidden) {
      const answer = await fetch(`state?known=${known}`, { cache: "no-store" });
      if (answer.status === 401) throw new Error("the token is needed again: open this page as /?token=...");
      if (!answer.ok) throw new Error(`the board answers ${answer.status}`);
      state = await answer.json();
      document.body.classList.remove("away");
      look();
      element("source").textContent = document.title = state.source || "edgevtn";
      showSources(state.sources);
      showModels(state.models);
      showEvents(state.events, state.clips);
      showLessons(state.lessons);
      showRegions();
      showHealth(state.health, state.viewers, state.most_viewers);
      status(state.health);
      known = state.version;
    }
  } catch (error) {
    document.body.classList.add("away");
    showStatus(error instanceof TypeError ? "the board does not answer" : error.message, true);
    known = -1;
    lookAway();
    noPicture("no picture");
    wait = RETRY;
  }
  setTimeout(ask, wait);
}

addEventListener("load", () => {
  look();
  ask();
});
