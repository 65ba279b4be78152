const WORDS = "a thread writes while the loop reads and many readers wait for the next of its words".split(
  " ",
);

/** Writes word after word, as a model does. Each costs some time, in a thread. */
export function* writeTokens(prompt, amount) {
  let state = [...prompt].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) >>> 0, 7);
  for (let i = 0; i < amount; i++) {
    for (let k = 0; k < 200_000; k++) state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield WORDS[state % WORDS.length];
  }
}
