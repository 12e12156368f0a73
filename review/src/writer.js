// Stores decisions one after the other, while the person is at the next question.

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

/** Returns a writer; `onChange(waiting, error)` tells how many decisions wait to be stored. */
export function decisionWriter(prefix, onChange) {
  let last = Promise.resolve();
  let waiting = 0;
  let error = null;
  const tell = () => onChange(waiting, error);
  const store = (decision) => {
    waiting += 1;
    tell();
    last = last
      .then(() => call("decide", { ...decision, update: false, ...(prefix ? { prefix } : {}) }))
      .catch((failure) => {
        error = failure.message;
      })
      .then(() => {
        waiting -= 1;
        tell();
      });
    return last;
  };
  return { store, drained: () => last };
}
