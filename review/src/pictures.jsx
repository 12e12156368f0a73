// Pictures side by side, or two in one place that take turns.

const { React } = window;
const { useEffect, useState } = React;

const FRAMES = { subject: "#ff6d04", stays: "#4caf50", goes: "transparent", for: "transparent", against: "transparent" };
const TURN_MS = 450;
const ZOOM = 3;

function Picture({ picture, place, zoomed, at, onMove }) {
  const [broken, setBroken] = useState(false);
  const style = {
    width: "100%",
    height: "100%",
    objectFit: "contain",
    transform: zoomed ? `scale(${ZOOM})` : "none",
    transformOrigin: `${at.x}% ${at.y}%`,
  };
  const move = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    onMove({
      x: (100 * (event.clientX - box.left)) / box.width,
      y: (100 * (event.clientY - box.top)) / box.height,
    });
  };
  const about = [picture.label, picture.split].filter(Boolean).join(" · ");
  return (
    <figure className="winnow-picture">
      <div className="winnow-frame" style={{ borderColor: FRAMES[picture.role] }} onMouseMove={move}>
        {broken ? <p>This file cannot be shown.</p> : <img src={picture.url} alt={picture.name} style={style} onError={() => setBroken(true)} />}
      </div>
      <figcaption>
        <b>
          {place + 1}
          {about ? ` · ${about}` : ""}
        </b>
        {picture.lines.map((line) => (
          <span key={line}>{line}</span>
        ))}
        <span className="winnow-name">{picture.name}</span>
      </figcaption>
    </figure>
  );
}

export function Pictures({ pictures, flickers, zoomed, compared }) {
  const [turn, setTurn] = useState(0);
  const [at, setAt] = useState({ x: 50, y: 50 });
  useEffect(() => {
    setTurn(0);
    if (!flickers) return undefined;
    const timer = setInterval(() => setTurn((old) => 1 - old), TURN_MS);
    return () => clearInterval(timer);
  }, [flickers, pictures, compared]);
  const two = [0, Math.min(compared, pictures.length - 1)];
  const shown = flickers ? [two[turn]] : pictures.map((_, place) => place);
  return (
    <div className={shown.length > 4 ? "winnow-pictures winnow-many" : "winnow-pictures"}>
      {shown.map((place) => (
        <Picture
          key={flickers ? "turns" : pictures[place].id}
          picture={pictures[place]}
          place={place}
          zoomed={zoomed}
          at={at}
          onMove={setAt}
        />
      ))}
    </div>
  );
}
