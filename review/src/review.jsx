// One question at a time, over the whole window: pictures, evidence, a key for each answer.
import { choicesOf } from "./decisions.js";
import { Pictures } from "./pictures.jsx";
import styles from "./styles.css?inline";
import { call, decisionWriter } from "./writer.js";

const { React, ReactDOM } = window;
const { useEffect, useMemo, useRef, useState } = React;
const { useTriggerPanelEvent } = window.__foo__;

const AHEAD = 3;

function preload(items, from) {
  items.slice(from, from + AHEAD).forEach((item) =>
    item.pictures.forEach((picture) => {
      new Image().src = picture.url;
    }),
  );
}

const NAMES = { Escape: "Esc", " ": "Space" };

function Button({ keys, words, main, onClick }) {
  return (
    <button className={main ? "winnow-main" : ""} onClick={onClick}>
      <kbd>{NAMES[keys[0]] || keys[0].toUpperCase()}</kbd> {words}
    </button>
  );
}

export function Review({ schema }) {
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
    [prefix],
  );

  useEffect(() => {
    call("review", { what, ...(prefix ? { prefix } : {}) })
      .then((found) => setQueue(found))
      .catch((failure) => setWritten({ waiting: 0, error: failure.message }));
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
    { keys: ["Escape"], words: "End", onClick: leave },
  ];
  const next = () => setCompared(1 + (compared % Math.max(1, (item ? item.pictures.length : 2) - 1)));

  const press = useRef(null);
  press.current = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    event.stopPropagation();
    if (leaving || (event.repeat && key !== "f")) return;
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
    // Before the App, whose own keys would act on what is behind
    window.addEventListener("keydown", hear, true);
    return () => window.removeEventListener("keydown", hear, true);
  }, []);

  const total = queue ? queue.items.length : 0;
  const state = written.error || (leaving ? "Storing the last decisions ..." : written.waiting > 5 ? `${written.waiting} decisions being stored` : "");
  return ReactDOM.createPortal(
    <div className="winnow-review" data-cy="winnow-review">
      <style>{styles}</style>
      <header>
        <b>{item ? item.title : queue ? "Nothing is left to review." : "Loading ..."}</b>
        <span className="winnow-state">{state}</span>
        <span data-cy="winnow-review-place">{item ? `${place + 1} of ${total}` : `${answers.current.length} decided`}</span>
      </header>
      {item ? (
        <Pictures pictures={item.pictures} flickers={flickers && item.pictures.length > 1} zoomed={zoomed} compared={compared} />
      ) : (
        <div className="winnow-pictures">
          <p>{queue ? "What you decided is stored. End the review to see it as one plan." : ""}</p>
        </div>
      )}
      <footer>
        {choices.map((choice) => (
          <Button key={choice.words} {...choice} onClick={() => answer(choice)} />
        ))}
        <span className="winnow-gap" />
        {ways.map((way) => (
          <Button key={way.keys[0]} {...way} main={way.words === "End" && !item && !!queue} />
        ))}
      </footer>
    </div>,
    document.body,
  );
}
