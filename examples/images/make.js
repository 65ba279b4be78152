import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";

/** Writes so many images, and one that is broken, and gives their paths. */
export function makeImages(count) {
  const folder = mkdtempSync(join(tmpdir(), "images-"));
  const files = Array.from({ length: count }, (_, n) => {
    const image = new PNG({ width: 320, height: 200 });
    for (let at = 0; at < image.data.length; at += 4)
      image.data.set([at / 1000, (at * n) / 3000, 255 - at / 1000, 255], at);
    const file = join(folder, `${n}.png`);
    writeFileSync(file, PNG.sync.write(image));
    return file;
  });
  const broken = join(folder, "broken.png");
  writeFileSync(broken, "no image");
  return [...files, broken];
}
