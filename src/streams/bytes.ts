/**
 * Bytes in the order in which they came, kept in the pieces in which they came: what lies within one piece is given
 * out as a view of it, and only what spans several is copied, once.
 */

/** Where a separator was found. */
export interface Match {
  readonly start: number;
  readonly end: number;
}

const EMPTY = Buffer.alloc(0);

export class ByteQueue {
  #pieces: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(piece: Uint8Array): void {
    const { buffer, byteOffset, byteLength } = piece;
    this.#pieces.push(Buffer.isBuffer(piece) ? piece : Buffer.from(buffer, byteOffset, byteLength));
    this.#length += byteLength;
  }

  /** Takes so many bytes off the front, or all when there are fewer. */
  take(count: number): Buffer {
    const wanted = Math.min(count, this.#length);
    const taken: Buffer[] = [];
    for (let missing = wanted; missing > 0; ) {
      const piece = this.#takePiece(missing);
      taken.push(piece);
      missing -= piece.length;
    }
    this.#length -= wanted;
    return taken.length === 1 ? (taken[0] as Buffer) : Buffer.concat(taken, wanted);
  }

  /** Takes all there is. */
  takeAll(): Buffer {
    return this.take(this.#length);
  }

  /** Returns the byte at an index, or undefined beyond the end. */
  at(index: number): number | undefined {
    let base = 0;
    for (const piece of this.#pieces) {
      if (index < base + piece.length) return piece[index - base];
      base += piece.length;
    }
    return undefined;
  }

  /** Finds the match that ends first, at or after `from`; of those that end there, that of the separator named first. */
  find(separators: readonly Buffer[], from: number): Match | null {
    const overlap = Math.max(...separators.map((separator) => separator.length)) - 1;
    let base = 0;
    let before: Buffer = EMPTY;
    for (const piece of this.#pieces) {
      const text = before.length === 0 ? piece : Buffer.concat([before, piece]);
      const start = base - before.length;
      base += piece.length;
      if (base > from) {
        const match = findFirstEnd(text, separators, Math.max(0, from - start));
        if (match !== null) return { start: start + match.start, end: start + match.end };
      }
      if (overlap > 0) before = text.subarray(Math.max(0, text.length - overlap));
    }
    return null;
  }

  /** Takes the first piece, or its first bytes when it has more. */
  #takePiece(most: number): Buffer {
    const piece = this.#pieces[0] as Buffer;
    if (piece.length <= most) return this.#pieces.shift() as Buffer;
    this.#pieces[0] = piece.subarray(most);
    return piece.subarray(0, most);
  }
}

function findFirstEnd(text: Buffer, separators: readonly Buffer[], from: number): Match | null {
  let first: Match | null = null;
  for (const separator of separators) {
    const start = text.indexOf(separator, from);
    if (start === -1) continue;
    const end = start + separator.length;
    if (first === null || end < first.end) first = { start, end };
  }
  return first;
}
