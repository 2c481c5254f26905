/** A place of a source whose branches no simulation takes. */

export interface Place {
  readonly file: string;
  /** Text of the line, so that a line that has moved is found. If several lines have it, the reason is that of each. */
  readonly quote: string;
  readonly reason: string;
}

export function at(reason: string, file: string, ...quotes: readonly string[]): Place[] {
  return quotes.map((quote) => ({ file, quote, reason }));
}
