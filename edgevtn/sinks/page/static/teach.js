"use strict";

// Teaching from the page: takes of the last seconds, and a button.

function showLessons(lessons) {
  element("lessons").hidden = !lessons;
  if (!lessons) return;
  const labels = Object.entries(lessons.labels);
  const now = JSON.stringify(lessons);
  if (now === element("lessons").dataset.shown) return;
  element("lessons").dataset.shown = now;
  element("seconds").max = lessons.longest;
  element("labels").replaceChildren(...labels.map(([name]) => {
    const option = make("option");
    option.value = name;
    return option;
  }));
  element("takes").replaceChildren(...labels.map(([name, count]) => {
    const made = make("li");
    const button = made.appendChild(make("button", "", `${name}: ${count}`));
    button.type = "button";
    button.addEventListener("click", () => { element("label").value = name; });
    return made;
  }));
  element("teach").disabled = lessons.teaching || labels.filter(([name, count]) => count && name !== "nothing").length < 2;
  tell(lessons.teaching ? "being taught; recognition goes on" : lessons.told);
}

function tell(text) {
  element("told").textContent = text;
}

// The header keeps other sites' pages from doing this in our name.
async function post(address, body) {
  try {
    const answer = await fetch(address, {
      method: "POST", headers: { "X-EdgeVTN": "page", "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    const told = await answer.json().catch(() => ({ error: `the board answers ${answer.status}` }));
    if (!answer.ok) return tell(told.error);
    showLessons(told);
  } catch {
    tell("the board does not answer");
  }
}

element("mark").addEventListener("submit", (event) => {
  event.preventDefault();
  post("mark", { label: element("label").value, seconds: Number(element("seconds").value),
    source: source ?? state.sources[0] ?? "", region: element("region").value });
});
element("teach").addEventListener("click", () => post("teach", {}));

// Regions of the camera that is looked at, "" for one without.
function regionsSeen() {
  const seen = source ?? state.sources[0] ?? "";
  return [...new Set(state.models.filter((model) => model.source === seen).map((model) => model.region))];
}

// Where there are several, which of them showed it is chosen; a region is taught by its own square.
function showRegions() {
  const regions = regionsSeen(), choice = element("region");
  element("of-region").hidden = regions.length < 2;
  if (regions.join("\n") === [...choice.options].map((option) => option.value).join("\n")) return;
  const before = choice.value;
  choice.replaceChildren(...regions.map((name) => new Option(name, name))); // a text alone loses double spaces
  if (regions.includes(before)) choice.value = before;
}
