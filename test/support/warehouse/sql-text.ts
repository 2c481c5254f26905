/** The little of SQL that the proxy parses: literals, comments, quoted names, and names. */

/**
 * The text with literals and comments blanked and what stands in double quotes masked, each character by one, so that
 * a place in it is the same place in the text.
 */
export function skeleton(sql: string): string {
  const token = /'(?:[^'\\]|''|\\[^])*'|\$\$[^]*?\$\$|"(?:[^"]|"")*"|--[^\n]*|\/\/[^\n]*|\/\*[^]*?\*\//g;
  return sql.replace(token, (found) => {
    if (found.startsWith('"')) return `"${'x'.repeat(found.length - 2)}"`;
    if (found.startsWith("'") || found.startsWith('$')) return `'${' '.repeat(found.length - 2)}'`;
    return ' '.repeat(found.length);
  });
}

/** How many statements there are between semicolons. */
export function countStatements(sql: string): number {
  return skeleton(sql)
    .split(';')
    .filter((part) => part.trim() !== '').length;
}

const PART = String.raw`(?:"(?:[^"]|"")*"|[A-Za-z_][\w$]*)`;
const NAME = new RegExp(String.raw`^\s*(${PART}(?:\s*\.\s*${PART})*)`);

/** An identifier as Snowflake keeps it: unquoted ones in capitals. */
export function stored(identifier: string): string {
  return identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier.toUpperCase();
}

/** The parts of a dotted name. */
export function partsOf(name: string): string[] {
  return (name.match(new RegExp(PART, 'g')) ?? []).map(stored);
}

/** The parts of the dotted name that `text` begins with; none if it begins with something else. */
export function leadingName(text: string): string[] {
  const name = NAME.exec(text)?.[1];
  return name === undefined ? [] : partsOf(name);
}

/** The dotted name of these parts, as it stands in a statement. */
export function nameOf(parts: readonly string[]): string {
  return parts.map((part) => `"${part.replaceAll('"', '""')}"`).join('.');
}

/** `DATABASE.SCHEMA.NAME`, completed from the session. */
export function fullName(
  parts: readonly string[],
  { database, schema }: { readonly database: string | null; readonly schema: string | null },
): string {
  const whole = [database ?? '', schema ?? '', ''].slice(0, 3 - parts.length).filter((part) => part !== '');
  return [...whole, ...parts].join('.');
}
