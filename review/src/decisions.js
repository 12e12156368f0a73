// What can be decided of each kind of question: a key, words, and the calls that store it.

const others = (item, kept) => item.pictures.filter((one) => one.id !== kept.id).map((one) => one.id);
const all = (item) => item.pictures.map((one) => one.id);
const subject = (item) => [item.pictures[0].id];

const relabel = (item, label) => [{ what: "relabel", samples: subject(item), label }];

function labelChoices(item, labels) {
  const given = item.pictures[0].label;
  const choices = [];
  if (item.suggestion) {
    choices.push({ keys: ["a", "Enter"], words: `It is ${item.suggestion}`, calls: relabel(item, item.suggestion), main: true });
  }
  choices.push({
    keys: ["r"],
    words: `${given} is right`,
    calls: [{ what: "label_verified", samples: subject(item) }],
  });
  labels
    .filter((label) => label !== given && label !== item.suggestion)
    .slice(0, 9)
    .forEach((label, place) => {
      choices.push({ keys: [`${place + 1}`], words: `It is ${label}`, calls: relabel(item, label) });
    });
  choices.push({ keys: ["g"], words: "May go", calls: [{ what: "may_go", samples: subject(item) }] });
  return choices;
}

function clusterChoices(item) {
  const keep = (kept, chosen) => {
    const rest = { what: "may_go", samples: others(item, kept) };
    return chosen ? [{ what: "keeper", samples: [kept.id] }, rest] : [rest];
  };
  const first = item.pictures[0];
  const choices = [
    { keys: ["a", "Enter"], words: "Keep the first, the others may go", calls: keep(first, false), main: true },
  ];
  item.pictures.slice(1, 9).forEach((picture, place) => {
    choices.push({ keys: [`${place + 2}`], words: `Keep ${place + 2}`, calls: keep(picture, true) });
  });
  choices.push({ keys: ["k"], words: "Keep all", calls: [{ what: "keep", samples: all(item) }] });
  if (item.may_part) {
    choices.push({
      keys: ["n", "m"],
      words: "Not copies: another scene or moment",
      calls: [{ what: "not_duplicate", samples: all(item) }],
    });
  }
  return choices;
}

function outlierChoices(item) {
  return [
    { keys: ["k", "Enter"], words: "It belongs here", calls: [{ what: "keep", samples: subject(item) }], main: true },
    { keys: ["g", "a"], words: "It may go", calls: [{ what: "may_go", samples: subject(item) }] },
  ];
}

/** Returns the choices of a question: `{keys, words, calls, main}`. */
export function choicesOf(what, item, labels) {
  if (what === "label_issues") return labelChoices(item, labels);
  return what === "duplicates" ? clusterChoices(item) : outlierChoices(item);
}
