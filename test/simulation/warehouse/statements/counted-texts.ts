/** Recognises texts that hold a count: `LIMIT 100`, whatever the number. */

/** A count that no text has by itself. */
const COUNT = 987_654_321;

export class CountedText {
  readonly #head: string;
  readonly #tail: string;

  /** @param textOf the text with this count, once */
  constructor(textOf: (count: number) => string) {
    const [head = '', tail, more] = textOf(COUNT).split(String(COUNT));
    if (tail === undefined || more !== undefined) throw new Error(`a text without its count, or with several: ${head}`);
    [this.#head, this.#tail] = [head, tail];
  }

  /** The count of a text; `undefined` if it is another text. */
  countOf(text: string): number | undefined {
    if (!text.startsWith(this.#head) || !text.endsWith(this.#tail)) return undefined;
    const count = text.slice(this.#head.length, text.length - this.#tail.length);
    return /^\d+$/.test(count) ? Number(count) : undefined;
  }
}
