// This says where a run is, on stderr: one line that is rewritten on a terminal, a line for each round in a log.

let last = "";

export function showProgress(question: string, text: string): void {
  if (process.stderr.isTTY) return void process.stderr.write(`\r\x1b[K${question}  ${text}`);
  const line = `${question}  ${text.split("  ")[0]}`;
  if (line !== last) process.stderr.write(`${line}\n`);
  last = line;
}

export function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
}
