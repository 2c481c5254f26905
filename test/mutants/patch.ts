/** One change of a source file: a text that occurs exactly once in it, and what replaces it. */
export interface Patch {
  readonly name: string;
  /** Path of the file, from the project's root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** @throws if `find` does not occur exactly once in the text of the file, or if the text would stay the same */
export function patched(text: string, { name, file, find, replace }: Patch): string {
  const [before, after, ...more] = find === '' ? [] : text.split(find);
  if (before === undefined || after === undefined || more.length > 0 || find === replace)
    throw new Error(`${name}: "find" must occur exactly once in ${file}, and "replace" must differ from it`);
  return before + replace + after;
}
