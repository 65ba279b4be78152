/** What `then` returns to those who chain on it by hand; V8 does not look at it. */
export const NOT_CHAINABLE = Object.freeze({
  then(): never {
    throw new TypeError(
      "future.then(onFulfilled, onRejected) cannot be chained: await the future, or chain on future.toPromise()",
    );
  },
});
