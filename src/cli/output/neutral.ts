/**
 * Makes text of steps harmless for a terminal.
 *
 * Invariants: control characters, which a terminal may obey, and characters that reorder text are shown as escapes.
 */

/** C0 and C1 controls, line separators, marks that change the direction of text, and half surrogates. */
const HARMFUL = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(character: string): string {
  return SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The text on one line, without anything that a terminal obeys. */
export function neutral(text: string): string {
  return text.replace(HARMFUL, escaped);
}

/** JSON is escaped as JSON, so that it stays the same value. The line breaks of indented JSON stay. */
export function neutralJson(json: string): string {
  return json.replace(HARMFUL, (character) => (character === '\n' ? character : escaped(character)));
}
