/** A path as one word of a POSIX shell: in single quotes, in which only a single quote has to be escaped. */
export function shellWord(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
