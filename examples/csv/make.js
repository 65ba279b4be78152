import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Writes a file with so many rows, and gives its path. */
export function makeFile(rows) {
  const file = join(mkdtempSync(join(tmpdir(), "csv-")), "payments.csv");
  let text = "";
  for (let row = 0; row < rows; row++) text += `"customer, ${row % 1000}",${row % 97}\n`;
  writeFileSync(file, text);
  return file;
}
