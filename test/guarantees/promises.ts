/**
 * What `docs/guarantees.md` promises, by section.
 *
 * Invariants:
 * - Below "What is guaranteed" each sentence is a promise of its own. Below "What each failure does" each paragraph and
 *   each row of a table is one.
 * - The text is plain: links are reduced to their words, emphasis is gone, lines are joined, `**Label.**` is `Label:`.
 * - The lists of tests (`Tests: …`) are no part of it.
 */
export interface Promised {
  readonly section: string;
  readonly text: string;
}

const GUARANTEES = 'What is guaranteed';
const FAILURES = 'What each failure does';
/** A full stop, then what a sentence may begin with. */
const END_OF_SENTENCE = /(?<=\.)\s+(?=[A-Z`"(])/;

export function promisesOf(page: string): readonly Promised[] {
  const found: Promised[] = [];
  let chapter = '';
  let section = '';
  for (const block of page.split(/\n{2,}/)) {
    const [, level, heading = ''] = /^(#{2,3}) (.+)$/m.exec(block) ?? [];
    if (level === '##') chapter = heading;
    if (level !== undefined) section = heading;
    else if (chapter === GUARANTEES || chapter === FAILURES) {
      const texts = block.startsWith('|') ? rows(block) : items(block);
      const parts = chapter === GUARANTEES ? texts.flatMap((text) => text.split(END_OF_SENTENCE)) : texts;
      found.push(...parts.map((text) => ({ section, text })));
    }
  }
  return found;
}

/** A paragraph, or each item of a list. */
function items(block: string): readonly string[] {
  const text = block.replace(/(^|\s)Tests?:\s+`test\/[^]*$/, '');
  return text
    .split(/^- /m)
    .map(plain)
    .filter((item) => item !== '');
}

function rows(table: string): readonly string[] {
  const [, , ...lines] = table.split('\n');
  return lines.map((line) => {
    const cells = line.split('|').slice(1, -1).map(plain);
    return cells.filter((cell) => !cell.startsWith('`test/')).join(' | ');
  });
}

function plain(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1')
    .replaceAll(/\*\*([^*]+)\.\*\*/g, '$1:')
    .replaceAll('**', '')
    .replaceAll(/(?<!\w)_(\w+)_(?!\w)/g, '$1')
    .trim();
}
