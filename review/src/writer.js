// Stores decisions while the person is at the next question: one call at a time, and what is
// decided meanwhile goes into as few calls as there are kinds of decisions.

const { executeOperator } = window.__foo__;

/** Calls an operator of Winnow; resolves to its result. */
export function call(name, params) {
  return new Promise((resolve, reject) => {
    executeOperator(`@winnow/curate/${name}`, params, {
      skipErrorNotification: true,
      callback: (done) =>
        done.error ? reject(new Error(done.errorMessage || String(done.error))) : resolve(done.result),
    });
  });
}

const kindOf = ({ what, label, undo }) => JSON.stringify([what, label, !!undo]);

/** Puts a decision with others of its kind, but never before another one on the same samples. */
function join(calls, decision) {
  for (let place = calls.length - 1; place >= 0; place -= 1) {
    const other = calls[place];
    if (kindOf(other) === kindOf(decision)) {
      other.samples = [...new Set([...other.samples, ...decision.samples])];
      return;
    }
    if (decision.samples.some((one) => other.samples.includes(one))) break;
  }
  calls.push({ ...decision });
}

/** Returns a writer; `onChange(waiting, error)` tells how many decisions are not stored yet. */
export function decisionWriter(prefix, onChange) {
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
          await call("decide", { ...one, update: false, ...(prefix ? { prefix } : {}) });
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
