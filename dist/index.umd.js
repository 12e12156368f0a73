/* built from 2595c0118fb0f2377ed5a4984871a78bee55a6979739bb697bd63bd9dfa4507c */
(function(factory) {
  typeof define === "function" && define.amd ? define(factory) : factory();
})((function() {
  "use strict";
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
      calls: [{ what: "label_verified", samples: subject(item) }]
    });
    labels.filter((label) => label !== given && label !== item.suggestion).slice(0, 9).forEach((label, place) => {
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
      { keys: ["a", "Enter"], words: "Keep the first, the others may go", calls: keep(first, false), main: true }
    ];
    item.pictures.slice(1, 9).forEach((picture, place) => {
      choices.push({ keys: [`${place + 2}`], words: `Keep ${place + 2}`, calls: keep(picture, true) });
    });
    choices.push({ keys: ["k"], words: "Keep all", calls: [{ what: "keep", samples: all(item) }] });
    if (item.may_part) {
      choices.push({
        keys: ["n", "m"],
        words: "Not copies: another scene or moment",
        calls: [{ what: "not_duplicate", samples: all(item) }]
      });
    }
    return choices;
  }
  function outlierChoices(item) {
    return [
      { keys: ["k", "Enter"], words: "It belongs here", calls: [{ what: "keep", samples: subject(item) }], main: true },
      { keys: ["g", "a"], words: "It may go", calls: [{ what: "may_go", samples: subject(item) }] }
    ];
  }
  function choicesOf(what, item, labels) {
    if (what === "label_issues") return labelChoices(item, labels);
    return what === "duplicates" ? clusterChoices(item) : outlierChoices(item);
  }
  const { React: React$1 } = window;
  const { useEffect: useEffect$1, useState: useState$1 } = React$1;
  const FRAMES = { subject: "#ff6d04", stays: "#4caf50", goes: "transparent", for: "transparent", against: "transparent" };
  const TURN_MS = 450;
  const ZOOM = 3;
  function Picture({ picture, place, zoomed, at, onMove }) {
    const [broken, setBroken] = useState$1(false);
    const style = {
      width: "100%",
      height: "100%",
      objectFit: "contain",
      transform: zoomed ? `scale(${ZOOM})` : "none",
      transformOrigin: `${at.x}% ${at.y}%`
    };
    const move = (event) => {
      const box = event.currentTarget.getBoundingClientRect();
      onMove({
        x: 100 * (event.clientX - box.left) / box.width,
        y: 100 * (event.clientY - box.top) / box.height
      });
    };
    const about = [picture.label, picture.split].filter(Boolean).join(" · ");
    return /* @__PURE__ */ React$1.createElement("figure", { className: "winnow-picture" }, /* @__PURE__ */ React$1.createElement("div", { className: "winnow-frame", style: { borderColor: FRAMES[picture.role] }, onMouseMove: move }, broken ? /* @__PURE__ */ React$1.createElement("p", null, "This file cannot be shown.") : /* @__PURE__ */ React$1.createElement("img", { src: picture.url, alt: picture.name, style, onError: () => setBroken(true) })), /* @__PURE__ */ React$1.createElement("figcaption", null, /* @__PURE__ */ React$1.createElement("b", null, place + 1, about ? ` · ${about}` : ""), picture.lines.map((line) => /* @__PURE__ */ React$1.createElement("span", { key: line }, line)), /* @__PURE__ */ React$1.createElement("span", { className: "winnow-name" }, picture.name)));
  }
  function Pictures({ pictures, flickers, zoomed, compared }) {
    const [turn, setTurn] = useState$1(0);
    const [at, setAt] = useState$1({ x: 50, y: 50 });
    useEffect$1(() => {
      setTurn(0);
      if (!flickers) return void 0;
      const timer = setInterval(() => setTurn((old) => 1 - old), TURN_MS);
      return () => clearInterval(timer);
    }, [flickers, pictures, compared]);
    const two = [0, Math.min(compared, pictures.length - 1)];
    const shown = flickers ? [two[turn]] : pictures.map((_, place) => place);
    return /* @__PURE__ */ React$1.createElement("div", { className: shown.length > 4 ? "winnow-pictures winnow-many" : "winnow-pictures" }, shown.map((place) => /* @__PURE__ */ React$1.createElement(
      Picture,
      {
        key: flickers ? "turns" : pictures[place].id,
        picture: pictures[place],
        place,
        zoomed,
        at,
        onMove: setAt
      }
    )));
  }
  const styles = ".winnow-review {\n  position: fixed;\n  inset: 0;\n  z-index: 1290;\n  display: flex;\n  flex-direction: column;\n  background: var(--fo-palette-background-level2, #1b1a19);\n  color: var(--fo-palette-text-primary, #fff);\n  font-size: 0.95rem;\n}\n.winnow-review header,\n.winnow-review footer {\n  display: flex;\n  flex-wrap: wrap;\n  align-items: center;\n  gap: 8px;\n  padding: 10px 16px;\n}\n.winnow-review header b {\n  font-size: 1.15rem;\n}\n.winnow-state,\n.winnow-gap {\n  flex: 1;\n  text-align: right;\n  opacity: 0.75;\n}\n.winnow-pictures {\n  flex: 1;\n  min-height: 0;\n  display: flex;\n  gap: 10px;\n  padding: 0 16px;\n}\n.winnow-many {\n  display: grid;\n  grid-template-columns: repeat(4, minmax(0, 1fr));\n  grid-auto-rows: minmax(0, 1fr);\n}\n.winnow-picture {\n  flex: 1;\n  min-width: 0;\n  min-height: 0;\n  margin: 0;\n  display: flex;\n  flex-direction: column;\n}\n.winnow-frame {\n  flex: 1;\n  min-height: 0;\n  overflow: hidden;\n  border: 3px solid transparent;\n  border-radius: 6px;\n  background: rgba(128, 128, 128, 0.15);\n}\n.winnow-frame p {\n  padding: 16px;\n}\n.winnow-picture figcaption {\n  display: flex;\n  flex-wrap: wrap;\n  gap: 2px 12px;\n  padding: 6px 2px;\n}\n.winnow-name {\n  opacity: 0.65;\n  overflow-wrap: anywhere;\n}\n.winnow-review button {\n  padding: 7px 12px;\n  border: 1px solid rgba(128, 128, 128, 0.6);\n  border-radius: 5px;\n  background: transparent;\n  color: inherit;\n  font: inherit;\n  cursor: pointer;\n}\n.winnow-review button:hover {\n  background: rgba(128, 128, 128, 0.25);\n}\n.winnow-review button.winnow-main {\n  background: #ff6d04;\n  border-color: #ff6d04;\n  color: #fff;\n}\n.winnow-review kbd {\n  padding: 1px 5px;\n  margin-right: 4px;\n  border: 1px solid currentColor;\n  border-radius: 3px;\n  font-size: 0.8em;\n  opacity: 0.8;\n}\n";
  const { executeOperator } = window.__foo__;
  function call(name, params) {
    return new Promise((resolve, reject) => {
      executeOperator(`@winnow/curate/${name}`, params, {
        skipErrorNotification: true,
        callback: (done) => done.error ? reject(new Error(done.errorMessage || String(done.error))) : resolve(done.result)
      });
    });
  }
  const kindOf = ({ what, label, undo }) => JSON.stringify([what, label, !!undo]);
  function join(calls, decision) {
    for (let place = calls.length - 1; place >= 0; place -= 1) {
      const other = calls[place];
      if (kindOf(other) === kindOf(decision)) {
        other.samples = [.../* @__PURE__ */ new Set([...other.samples, ...decision.samples])];
        return;
      }
      if (decision.samples.some((one) => other.samples.includes(one))) break;
    }
    calls.push({ ...decision });
  }
  function decisionWriter(prefix, onChange) {
    let waiting = [];
    let beingStored = 0;
    let work = null;
    let error = null;
    const tell = () => onChange(waiting.length + beingStored, error);
    const run = async () => {
      while (waiting.length) {
        const calls = [];
        waiting.forEach((decision) => join(calls, decision));
        beingStored = waiting.length;
        waiting = [];
        for (const one of calls) {
          try {
            await call("decide", { ...one, update: false, ...prefix ? { prefix } : {} });
          } catch (failure) {
            error = failure.message;
          }
        }
        beingStored = 0;
        tell();
      }
      work = null;
    };
    const store = (decision) => {
      waiting.push(decision);
      tell();
      work = work || run();
    };
    return { store, drained: async () => work };
  }
  const { React, ReactDOM } = window;
  const { useEffect, useMemo, useRef, useState } = React;
  const { useTriggerPanelEvent } = window.__foo__;
  const AHEAD = 3;
  function preload(items, from) {
    items.slice(from, from + AHEAD).forEach(
      (item) => item.pictures.forEach((picture) => {
        new Image().src = picture.url;
      })
    );
  }
  const NAMES = { Escape: "Esc", " ": "Space" };
  function Button({ keys, words, main, onClick }) {
    return /* @__PURE__ */ React.createElement("button", { className: main ? "winnow-main" : "", onClick }, /* @__PURE__ */ React.createElement("kbd", null, NAMES[keys[0]] || keys[0].toUpperCase()), " ", words);
  }
  function Review({ schema }) {
    const { what, prefix, on_end: onEnd } = schema.view;
    const trigger = useTriggerPanelEvent();
    const [queue, setQueue] = useState(null);
    const [place, setPlace] = useState(0);
    const [written, setWritten] = useState({ waiting: 0, error: null });
    const [zoomed, setZoomed] = useState(false);
    const [flickers, setFlickers] = useState(false);
    const [compared, setCompared] = useState(1);
    const [leaving, setLeaving] = useState(false);
    const answers = useRef([]);
    const writer = useMemo(
      () => decisionWriter(prefix, (waiting, error) => setWritten({ waiting, error })),
      [prefix]
    );
    useEffect(() => {
      call("review", { what, ...prefix ? { prefix } : {} }).then((found) => setQueue(found)).catch((failure) => setWritten({ waiting: 0, error: failure.message }));
    }, [what, prefix]);
    useEffect(() => {
      if (queue) preload(queue.items, place + 1);
      setCompared(1);
    }, [queue, place]);
    const item = queue && queue.items[place];
    const choices = item ? choicesOf(what, item, queue.labels) : [];
    const answer = (choice) => {
      choice.calls.forEach(writer.store);
      answers.current.push({ place, calls: choice.calls });
      setPlace(place + 1);
    };
    const skip = () => item && setPlace(place + 1);
    const undo = () => {
      const last = answers.current.pop();
      if (!last) return;
      [...last.calls].reverse().forEach((one) => writer.store({ ...one, undo: true }));
      setPlace(last.place);
    };
    const leave = () => {
      setLeaving(true);
      writer.drained().then(() => trigger(onEnd, { count: answers.current.length }));
    };
    const ways = [
      { keys: ["s", "ArrowRight"], words: "Skip", onClick: skip },
      { keys: ["u", "Backspace"], words: "Undo last", onClick: undo },
      { keys: ["f"], words: flickers ? "Side by side" : "Flicker", onClick: () => setFlickers(!flickers) },
      { keys: ["z"], words: zoomed ? "Whole" : "Zoom", onClick: () => setZoomed(!zoomed) },
      { keys: ["Escape"], words: "End", onClick: leave }
    ];
    const next = () => setCompared(1 + compared % Math.max(1, (item ? item.pictures.length : 2) - 1));
    const press = useRef(null);
    press.current = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      event.stopPropagation();
      if (leaving || event.repeat && key !== "f") return;
      const choice = choices.find((one) => one.keys.includes(key));
      const way = ways.find((one) => one.keys.includes(key));
      if (!choice && !way && key !== "Tab") return;
      event.preventDefault();
      if (choice) answer(choice);
      else if (way) way.onClick();
      else next();
    };
    useEffect(() => {
      const hear = (event) => press.current(event);
      window.addEventListener("keydown", hear, true);
      return () => window.removeEventListener("keydown", hear, true);
    }, []);
    const total = queue ? queue.items.length : 0;
    const state = written.error || (leaving ? "Storing the last decisions ..." : written.waiting > 5 ? `${written.waiting} decisions being stored` : "");
    return ReactDOM.createPortal(
      /* @__PURE__ */ React.createElement("div", { className: "winnow-review", "data-cy": "winnow-review" }, /* @__PURE__ */ React.createElement("style", null, styles), /* @__PURE__ */ React.createElement("header", null, /* @__PURE__ */ React.createElement("b", null, item ? item.title : queue ? "Nothing is left to review." : "Loading ..."), /* @__PURE__ */ React.createElement("span", { className: "winnow-state" }, state), /* @__PURE__ */ React.createElement("span", { "data-cy": "winnow-review-place" }, item ? `${place + 1} of ${total}` : `${answers.current.length} decided`)), item ? /* @__PURE__ */ React.createElement(Pictures, { pictures: item.pictures, flickers: flickers && item.pictures.length > 1, zoomed, compared }) : /* @__PURE__ */ React.createElement("div", { className: "winnow-pictures" }, /* @__PURE__ */ React.createElement("p", null, queue ? "What you decided is stored. End the review to see it as one plan." : "")), /* @__PURE__ */ React.createElement("footer", null, choices.map((choice) => /* @__PURE__ */ React.createElement(Button, { key: choice.words, ...choice, onClick: () => answer(choice) })), /* @__PURE__ */ React.createElement("span", { className: "winnow-gap" }), ways.map((way) => /* @__PURE__ */ React.createElement(Button, { key: way.keys[0], ...way, main: way.words === "End" && !item && !!queue })))),
      document.body
    );
  }
  const { PluginComponentType, registerComponent } = window.__fop__;
  registerComponent({
    name: "WinnowReview",
    label: "Winnow review",
    component: Review,
    type: PluginComponentType.Component,
    activator: () => true
  });
}));
