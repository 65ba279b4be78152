import { PNG } from "pngjs";
import { transfer } from "threadloop/workers";

/** Shrinks an image so that it is so many pixels wide; it runs in a thread. */
export function thumbnail(bytes, width) {
  const image = PNG.sync.read(Buffer.from(bytes.buffer));
  const scale = image.width / width;
  const small = new PNG({ width, height: Math.max(1, Math.round(image.height / scale)) });
  for (let y = 0; y < small.height; y++)
    for (let x = 0; x < width; x++) {
      const to = (y * width + x) * 4;
      small.data.set(mean(image, x * scale, y * scale, scale), to);
    }
  const { buffer, byteOffset, length } = PNG.sync.write(small);
  const own = new Uint8Array(buffer.slice(byteOffset, byteOffset + length));
  return transfer(own, [own.buffer]);
}

/** The mean colour of a square of pixels. */
function mean({ width, height, data }, left, top, side) {
  const sum = [0, 0, 0, 0];
  let count = 0;
  for (let y = Math.floor(top); y < Math.min(height, top + side); y++)
    for (let x = Math.floor(left); x < Math.min(width, left + side); x++) {
      for (let c = 0; c < 4; c++) sum[c] += data[(y * width + x) * 4 + c];
      count++;
    }
  return sum.map((value) => value / count);
}
