import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { rulesText } from './rules-text.js';

it('has each rule in docs/simulation.md, word for word', () => {
  const page = readFileSync(fileURLToPath(new URL('../../../docs/simulation.md', import.meta.url)), 'utf8');
  expect(flat(page)).toContain(flat(rulesText()));
});

/** Without the ends of lines, which prose may have anywhere. */
function flat(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
